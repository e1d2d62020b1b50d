/** What a message becomes on its way out, beside what is counted of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SeverityNumber, trace, type Logger, type LogRecord } from '@opentelemetry/api';
import { expiry } from './expiry.ts';
import { feed } from './feed.ts';
import { groups } from './groups.ts';
import { journalFeed } from './journal-feed.ts';
import { levels } from './level.ts';
import type { LogSettings } from './messages.ts';
import { emitter } from './records.ts';

const observed = Date.UTC(2026, 5, 1);
const clock = { now: () => observed, monotonic: () => 0 };
const settings: LogSettings = {
  json: true,
  patternLimit: 2,
  extractionLimit: 0,
  cpuBudget: 0,
  maxSampleBytes: 100,
  masks: true,
};

function setUp(more: Partial<LogSettings> = {}, maxRecords = Infinity) {
  const records: LogRecord[] = [];
  const logger: Logger = { emit: (record) => void records.push(record), enabled: () => true };
  const all = groups({ ...settings, ...more }, clock, {
    emitterOf: (_name, mask) => emitter(logger, { mask, clock, hasRoom: () => records.length < maxRecords }),
  });
  const group = all.of('/c\nstdout/stderr');
  const one = (text: string): LogRecord => {
    group.count('unknown', text);
    return records.at(-1)!;
  };
  return { all, group, records, one };
}

test('every message that is counted is a record, with the level and the hash it is counted under', () => {
  const { all, group, records } = setUp();
  for (let i = 0; i < 5; i++)
    for (const level of levels) group.count(level, `${'ab'.repeat(i + 1)} ${'broken '.repeat(i)}${i}`);
  const counted = new Map<string, number>();
  const { begun, totals } = all.take();
  for (let i = 0; i < totals.length; i += 2) {
    const { level, hash } = begun.find(({ id }) => id === totals[i])!;
    counted.set(`${level} ${hash}`, totals[i + 1]!);
  }
  const sent = new Map<string, number>();
  for (const { severityText, attributes } of records) {
    const { 'pattern.hash': hash = '' } = attributes as Record<string, string>;
    const key = `${severityText} ${hash}`;
    sent.set(key, (sent.get(key) ?? 0) + 1);
  }
  assert.equal(records.length, 30);
  assert.deepEqual([...sent].sort(), [...counted].sort());
  assert.ok(sent.has(`error ${'0'.repeat(32)}`), 'beyond the limit');
  assert.deepEqual(
    records.slice(0, 6).map(({ severityNumber }) => severityNumber),
    [0, 5, 9, 13, 17, 21] satisfies SeverityNumber[],
  );
});

test('where there is no room, nothing is made of a message', () => {
  const { group, records } = setUp({}, 1);
  for (let i = 0; i < 3; i++) group.count('info', `message ${i}`);
  assert.deepEqual(
    records.map(({ body }) => body),
    ['message 0'],
  );
});

test('times are those of the runtime or the journal, of JSON where it has one, and else not known', () => {
  const { all, group, records, one } = setUp();
  const docker = feed('docker', group);
  const line = (log: string, time: string): Buffer =>
    Buffer.from(JSON.stringify({ log, stream: 'stdout', time }));
  docker.line(line('first\n', '2026-01-02T03:04:05.678901234Z'), 1, 0);
  docker.line(line('\tsecond\n', '2026-01-02T03:04:06Z'), 2, 0);
  docker.flush();
  const cri = feed('cri', group);
  cri.line(Buffer.from('2026-01-02T03:04:07.5+00:00 stderr P par'), 1, 0);
  cri.line(Buffer.from('2026-01-02T03:04:08Z stderr F ted'), 2, 0);
  cri.flush();
  const journal = journalFeed(all, expiry(clock), clock);
  journal.take([{ group: group.name, text: 'entry', level: 'info', timeMs: 1_767_323_049_000.25 }]);
  journal.flush();
  one('{"msg":"json","time":"2020-01-01T00:00:00.001Z"}');
  one('plain');
  assert.deepEqual(
    records.map(({ body, timestamp }) => [body, timestamp]),
    [
      ['first\n\tsecond', [1_767_323_045, 678_000_000]],
      ['parted', [1_767_323_047, 500_000_000]],
      ['entry', [1_767_323_049, 250_000]],
      ['json', [1_577_836_800, 1_000_000]],
      ['plain', [0, 0]],
    ],
  );
  assert.ok(records.every(({ observedTimestamp }) => String(observedTimestamp) === `${observed / 1000},0`));
});

test('JSON gives body, level, trace and attributes', () => {
  const { one } = setUp();
  const ids = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' };
  const fields = {
    http: { status: 500, path: '/a' },
    ok: false,
    list: [1, 2],
    none: null,
    'pattern.hash': 'x',
  };
  const { body, severityNumber, attributes, context } = one(
    JSON.stringify({ level: 'error', msg: 'it broke', ts: 1_700_000_000, ...ids, ...fields }),
  );
  assert.deepEqual([body, severityNumber], ['it broke', SeverityNumber.ERROR]);
  const { 'pattern.hash': hash, ...rest } = attributes!;
  assert.match(String(hash), /^[0-9a-f]{32}$/);
  assert.deepEqual(rest, { 'http.status': 500, 'http.path': '/a', ok: false, list: '[1,2]' });
  const { traceId, spanId } = trace.getSpanContext(context!)!;
  assert.deepEqual([traceId, spanId], Object.values(ids));
  assert.equal(one('{"msg":"no trace"}').context, undefined);
  assert.deepEqual(one('INFO {"not":"json"}').attributes, {});
  for (const text of ['{"msg":"m","pattern.hash":"x"}', '{"msg":"m","pattern":{"hash":"x"}}'])
    assert.deepEqual(one(text).attributes, {}, 'it has no pattern');
  assert.deepEqual(one('{"msg":"m","time":"0001-01-01T00:00:00Z"}').timestamp, [0, 0], 'the zero of Go');
});

test('secrets are masked in bodies and in attributes, unless they are wanted', () => {
  const { one } = setUp();
  const text = (record: LogRecord): string => JSON.stringify([record.body, record.attributes]);
  const secrets = [
    'WARN login password=hunter2 failed',
    '{"level":"info","msg":"login with password=hunter2","user":"me"}',
    '{"msg":"login","password":"hunter2","user":"me"}',
    '{"msg":"login","db":{"password":"hunter2","host":"h"},"user":"me"}',
    '{"msg":"login","env":[{"name":"DB_PASSWORD","value":"hunter2"}],"user":"me"}',
    '{"msg":"login","headers":{"Authorization":"Bearer hunter2hunter2=="},"user":"me"}',
    '{"password":"hunter2","user":"me"}',
  ];
  for (const secret of secrets) {
    const sent = text(one(secret));
    assert.doesNotMatch(sent, /hunter2/, secret);
    if (secret.startsWith('{')) assert.match(sent, /"user":"me"|\\"user\\":\\"me\\"/, secret);
  }
  const escaped = String.raw`{"dsn":"password\u003dhunter2"}`;
  for (const record of [
    one(escaped),
    one(JSON.stringify({ msg: escaped })),
    setUp({ json: false }).one(escaped),
  ])
    assert.equal(record.body, '{"dsn":"password=***"}');
  const { attributes } = one('{"msg":"login","password":123456789,"user":"me","count":7}');
  assert.deepEqual(attributes, { password: '***', user: 'me', count: 7 });
  const { one: shown } = setUp({ masks: false });
  for (const secret of secrets) assert.match(text(shown(secret)), /hunter2/);
});

test('a record keeps no more in memory than itself', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const usedBytes = (): number => {
    collect();
    return getHeapStatistics().used_heap_size;
  };
  const { one } = setUp();
  const long = (i: number): string => `${i} `.repeat(20_000);
  one(`{"msg":"m","long":"${long(0)}"}`);
  const startBytes = usedBytes();
  for (let i = 0; i < 40; i++) {
    one(`INFO ${long(i)}`.slice(0, 100));
    one(`{"msg":"message number ${i}","long":"${long(i)}","id":12345678901234567890}`);
    one(`{"msg":"password=hunter2 of ${i}","long":"\\u003d${long(i)}"}`);
  }
  const bytes = usedBytes() - startBytes;
  assert.ok(bytes < 40 * 2 * 4096 + (1 << 20), `${bytes} bytes`);
});
