import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonMessage } from './json.ts';

function parsed(value: unknown): NonNullable<ReturnType<typeof jsonMessage>> {
  const message = jsonMessage(typeof value === 'string' ? value : JSON.stringify(value));
  assert.ok(message);
  return message;
}

test('level, message, time and ids have meanings, the rest are attributes', () => {
  const message = parsed({
    time: '2031-01-02T03:04:05.678Z',
    level: 'WARN',
    msg: ' disk slow ',
    trace_id: '0AF7651916CD43DD8448EB211C80319C',
    spanId: 'b7ad6b7169203331',
    dev: { name: 'sdb', await: 412, 'is.new': true, nothing: null },
    list: [1, 'x', { y: 2 }],
  });
  assert.equal(message.level, 'warning');
  assert.equal(message.message, 'disk slow');
  assert.equal(message.timeMs, Date.UTC(2031, 0, 2, 3, 4, 5, 678));
  assert.equal(message.traceId, '0af7651916cd43dd8448eb211c80319c');
  assert.equal(message.spanId, 'b7ad6b7169203331');
  assert.deepEqual(message.attributes, [
    ['dev.name', 'sdb'],
    ['dev.await', 412],
    ['dev.is.new', true],
    ['list', '[1,"x",{"y":2}]'],
  ]);
});

test('the first usable name is believed, in any case', () => {
  assert.equal(parsed({ message: 'second', MSG: 'first' }).message, 'first');
  assert.equal(parsed({ msg: 5, message: null, '@m': '', body: { a: 1 }, log: 'last' }).message, 'last');
  assert.equal(parsed({ level: 'nonsense', severity: 'Error' }).level, 'error');
  assert.equal(parsed({ log: { level: 'alert' } }).level, 'critical');
  assert.deepEqual(parsed({ level: 'nonsense', severity: 'Error' }).attributes, [['level', 'nonsense']]);
  assert.deepEqual(Object.keys(parsed({ a: 1 })), []);
});

test('levels are words and numbers', () => {
  const level = (value: unknown): unknown => parsed({ level: value }).level;
  assert.deepEqual([9, 10, 29, 30, 39.5, 40, 50, 60, 99, 100, -50, 1e300].map(level), [
    undefined,
    'debug',
    'debug',
    'info',
    'info',
    'warning',
    'error',
    'critical',
    'critical',
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(['trc', 'Notice', ' ERR ', 'dpanic', 'silly', '50', true, ['error'], {}].map(level), [
    'debug',
    'info',
    'error',
    'critical',
    ...Array<undefined>(5),
  ]);
});

test('only a whole object is one', () => {
  for (const text of [
    '',
    '[]',
    'null',
    '5',
    '{',
    '{}}',
    '{} {}',
    'x {}',
    '{} x',
    '\ufeff{}',
    "{'a':1}",
    '{"a":1,}',
    '{a:1}',
  ])
    assert.equal(jsonMessage(text), undefined, text);
  for (const text of ['{}', '{ }', '{\n"a"\n:\t1 }']) assert.ok(jsonMessage(text), text);
});

test('names of the language mean nothing', () => {
  const message = parsed('{"__proto__":{"level":"error"},"constructor":1,"toString":"x","level":"toString"}');
  assert.equal(message.level, undefined);
  assert.deepEqual(message.attributes, [
    ['__proto__.level', 'error'],
    ['constructor', 1],
    ['toString', 'x'],
    ['level', 'toString'],
  ]);
});

test('attributes have bounds', () => {
  const wide = parsed(Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`k${i}`, i])));
  assert.equal(wide.attributes.length, 100);
  const [, long] = parsed({ v: '\u{1f525}'.repeat(5000) }).attributes[0]!;
  assert.equal(Buffer.byteLength(long as string), 4096);
  const named = parsed({ ['n'.repeat(257)]: 1, ['n'.repeat(256)]: 2, '': 3 });
  assert.deepEqual(named.attributes, [['n'.repeat(256), 2]]);
  assert.deepEqual(parsed('{"a.b":{"c":1},"a":{"b.c":2}}').attributes, [['a.b.c', 1]]);
  const deep = parsed('{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{"i":1}}}}}}}}}');
  assert.deepEqual(deep.attributes, [['a.b.c.d.e.f.g.h', '{"i":1}']]);
});

test('numbers that a double cannot hold stay as they are written', () => {
  assert.deepEqual(
    parsed('{"id":12345678901234567890,"f":1e400,"ok":9007199254740991,"d":0.1234567890123456789}')
      .attributes,
    [
      ['id', '12345678901234567890'],
      ['f', '1e400'],
      ['ok', 9007199254740991],
      ['d', 0.12345678901234568],
    ],
  );
  assert.deepEqual(parsed(`{"n":${'9'.repeat(10_000)},"a":1}`).attributes, [['a', 1]]);
});

test('hostile objects of 64 KiB cost little', () => {
  const size = 65_536;
  const nested = (open: string, close: string): string => {
    const depth = Math.floor(size / (open.length + close.length)) - 8;
    return `{"a":${open.repeat(depth)}1${close.repeat(depth)},"n":12345678901234567890}`;
  };
  const many = (part: (i: number) => string): string => {
    const parts = [];
    for (let i = 0, left = size; left > 0; i++) left -= parts[parts.push(part(i)) - 1]!.length + 1;
    return `{${parts.join()}}`;
  };
  const bombs = [
    nested('[', ']'),
    nested('{"":', '}'),
    nested('{"a":', '}'),
    many(() => '"msg":"x"'),
    many((i) => `"k${i}":[[]]`),
    many((i) => `"k${i}":99999999999999999999`),
    many(() => '"level":{"level":1}'),
    `{"n":-${'9'.repeat(size)}}`,
    `{"s":"${'\\u0000'.repeat(size / 6)}"}`,
    `{"s":"${'\\'.repeat(size - 1)}"}`,
    `{"${'k'.repeat(size)}":1}`,
    `{"time":"${'2031-01-02 '.repeat(size / 11)}"}`,
    `{${' '.repeat(size)}`,
    `{${' '.repeat(size)}}`,
  ];
  for (const bomb of bombs) {
    const startMs = performance.now();
    const message = jsonMessage(bomb);
    assert.ok((message?.attributes.length ?? 0) <= 100);
    assert.ok(performance.now() - startMs < 200, bomb.slice(0, 40));
  }
});
