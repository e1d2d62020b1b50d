/** How many lines of logs a core understands: with levels alone, and where every message is told apart by its pattern. */
import masks from '../../config/log-masks.json' with { type: 'json' };
import { assembly, type Message } from '../../src/logs/assembly.ts';
import { jsonMessage } from '../../src/logs/json.ts';
import { levels, type Level } from '../../src/logs/level.ts';
import { masker } from '../../src/logs/mask.ts';
import { patterns } from '../../src/logs/patterns.ts';
import { room } from '../../src/logs/room.ts';
import { report } from './table.ts';

const lines = 200_000;
const distinct = 20_000;
const rounds = 7;
const [linesBudget, patternsBudget] = [300_000, 50_000];
const second = (index: number): string => String(index % 60).padStart(2, '0');

/** A line as services write them, about 130 bytes; every tenth has a second line. */
function serviceLine(index: number): string {
  const level = ['INFO', 'DEBUG', 'INFO', 'WARN', 'INFO', 'ERROR'][index % 6]!;
  if (index % 10 === 9)
    return `\tat com.example.orders.OrderService.reserve(OrderService.java:${index % 500})`;
  return (
    `2031-01-02T10:11:${second(index)}.${index % 1000}Z ${level} [worker-${index % 16}] c.e.orders.OrderService - ` +
    `order ${index} of customer "c-${index % 999}" took ${index % 300}ms on node-${index % 7}`
  );
}

function jsonLine(index: number): string {
  const level = ['info', 'debug', 'warn'][index % 3];
  return (
    `{"level":"${level}","ts":${1_930_000_000 + index}.123,"caller":"orders/reserve.go:51","msg":"order reserved",` +
    `"order":${index},"customer":"c-${index % 999}","took_ms":${index % 300}}`
  );
}

/** Of 400 kinds, so that the limit of patterns is reached, each with numbers and names of its own. */
function errorLine(index: number): string {
  const kind = [...String(index % 400)].map((digit) => 'ghijklmnop'[Number(digit)]).join('');
  return (
    `2031-01-02T10:11:${second(index)}.${index % 1000}Z ERROR [worker-${index % 16}] c.e.${kind}.Service - ` +
    `cannot ${kind} order ${index} of customer "c-${index % 999}": connection to 10.0.${index % 256}.7:5432 refused ` +
    `after ${index % 30} retries (trace 6a1e2f60-9f6c-4b44-8c7a-0a1b2c3d${index % 9000}), will try again later`
  );
}

/** Lines a second of CPU, of the median round. Lines are decoded as a reader does it, and then let go. */
function perSecond(line: (index: number) => string, onMessage: (message: Message) => void): number {
  const read = Array.from({ length: distinct }, (_, index) => Buffer.from(line(index)));
  const seconds = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    const stream = assembly(onMessage);
    for (let index = 0; index < lines; index++)
      stream.add(read[index % distinct]!.toString('utf8'), 'unknown', index, index);
    stream.flush();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  });
  return lines / seconds.sort((one, other) => one - other)[rounds >> 1]!;
}

const counts = new Map(levels.map((level) => [level, 0]));
const count = (level: Level): unknown => counts.set(level, counts.get(level)! + 1);
const counted = patterns({ limit: 256, maxSampleBytes: 4096, mask: masker(masks), room: room(64e6) });

const one = {
  lines: perSecond(serviceLine, ({ level }) => count(level)),
  json: perSecond(jsonLine, ({ level, text }) => count(jsonMessage(text)?.level ?? level)),
  errors: perSecond(errorLine, ({ level, text }) => counted.count(level, text)),
};
report('logs of containers, on one core', [
  { name: 'lines, levels alone', value: one.lines, unit: '/s' },
  { name: 'a line', value: 1e6 / one.lines, unit: 'us', budget: 1e6 / linesBudget },
  { name: 'lines of JSON, levels alone', value: one.json, unit: '/s' },
  { name: 'a line of JSON', value: 1e6 / one.json, unit: 'us' },
  { name: 'errors, each with its pattern', value: one.errors, unit: '/s' },
  { name: 'an error', value: 1e6 / one.errors, unit: 'us', budget: 1e6 / patternsBudget },
]);
