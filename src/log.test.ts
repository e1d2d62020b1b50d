import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { readableLine } from './log-line.ts';
import { createLog, type LogOptions } from './log.ts';

function logInto(lines: string[], options: Partial<LogOptions> = {}, isTTY = false) {
  const clock = { ms: 0, now: () => 1.7e12 + clock.ms, monotonic: () => clock.ms };
  const stream = { isTTY, write: (line: string) => lines.push(line) };
  return { ...createLog({ level: 'info', perSecond: 10, burst: 3, ...options }, stream, clock), clock };
}

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

test('lines are JSON when nobody watches', () => {
  const lines: string[] = [];
  logInto(lines).logger.warn({ feature: 'tcp' }, 'switched off');
  assert.deepEqual(parsed(lines), [
    { level: 'warn', time: '2023-11-14T22:13:20.000Z', feature: 'tcp', msg: 'switched off' },
  ]);
});

test('lines are readable on a terminal', () => {
  const lines: string[] = [];
  const { logger } = logInto(lines, {}, true);
  logger.info({ listen: '0.0.0.0:80', name: 'a b' }, 'serving');
  logger.error(new Error('no\nluck'));
  assert.deepEqual(lines, [
    '22:13:20.000 INFO  serving listen=0.0.0.0:80 name="a b"\n',
    '22:13:20.000 ERROR no\\u000aluck err="no\\nluck"\n',
  ]);
});

test('a terminal is not steered by what is logged, and other text stays', () => {
  const line = readableLine(JSON.stringify({ level: 'info', time: '', msg: '\x1b[2Ja', id: '\x9b\u202e' }));
  assert.equal(line, ' INFO  \\u001b[2Ja id="\\u009b\\u202e"\n');
  assert.equal(readableLine('not json\n'), 'not json\n');
});

test('levels below the chosen one cost no token', () => {
  const lines: string[] = [];
  const { logger, droppedLines } = logInto(lines, { level: 'warn' });
  for (let i = 0; i < 10; i++) logger.info('quiet');
  for (let i = 0; i < 3; i++) logger.warn('loud');
  assert.equal(lines.length, 3);
  assert.equal(droppedLines(), 0);
});

test('the rate limit drops, counts, and says so once per burst; fatal lines pass', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const lines: string[] = [];
    const { logger, droppedLines, clock } = logInto(lines);
    const child = logger.child({ of: 'child' });
    for (let i = 0; i < 10; i++) (i % 2 ? child : logger).info(`line ${i}`);
    logger.fatal('the end');
    assert.deepEqual(
      parsed(lines).map(({ msg }) => msg),
      ['line 0', 'line 1', 'line 2', 'the end'],
    );
    assert.equal(droppedLines(), 7);
    clock.ms = 200;
    for (let i = 0; i < 3; i++) logger.info('later');
    assert.equal(droppedLines(), 8);
    mock.timers.tick(10_000);
    mock.timers.tick(10_000);
    const told = parsed(lines).filter((line) => 'droppedLines' in line);
    assert.deepEqual(
      told.map((line) => line['droppedLines']),
      [8],
    );
  } finally {
    mock.timers.reset();
  }
});

test('flush tells what was dropped, once', () => {
  const lines: string[] = [];
  const { logger, flush } = logInto(lines, { burst: 0 });
  logger.info('dropped');
  flush();
  flush();
  assert.deepEqual(
    parsed(lines).map((line) => line['droppedLines']),
    [1],
  );
});
