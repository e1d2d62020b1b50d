import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { duration, interval } from './duration.ts';
import { cidrs, endpoint, listenAddress } from './network.ts';
import { portRanges } from './ports.ts';
import { regex } from './regex.ts';
import { coreShare, count, directory, flag, oneOf, path, rate, sampling, secret } from './scalar.ts';
import { size } from './size.ts';
import type { ValueType } from './value.ts';

interface Table {
  readonly type: ValueType<unknown>;
  readonly good: readonly (readonly [text: string, value: unknown])[];
  readonly bad: readonly string[];
}

const tables: readonly Table[] = [
  {
    type: duration,
    good: [
      ['0', 0],
      ['30s', 30_000],
      ['1m30s', 90_000],
      ['100ms', 100],
      ['1.5h', 5_400_000],
      ['.5s', 500],
      ['1.1s', 1100],
      ['+2m', 120_000],
      ['250us', 0.25],
      ['250µs', 0.25],
      ['250μs', 0.25],
      ['1ns', 0.000001],
      ['1h0m0.001s', 3_600_001],
    ],
    bad: ['', '30', '-1s', '1d', 's', '1 s', '30s ', '1s1', '1..5s', '.s', '9999999h', '1e3s', '٣s'],
  },
  {
    type: interval,
    good: [
      ['100ms', 100],
      ['24h', 86_400_000],
    ],
    bad: ['0', '99ms', '24h1ns', '15'],
  },
  {
    type: size,
    good: [
      ['0', 0],
      ['4096', 4096],
      ['500MB', 500 * 1024 * 1024],
      ['500mb', 500 * 1024 * 1024],
      ['1.5GiB', 1.5 * 1024 ** 3],
      ['64 K', 65536],
    ],
    bad: ['', 'MB', '-1MB', '1XB', '1e3', '99999999PB', '1,5GB'],
  },
  {
    type: portRanges,
    good: [
      ['', []],
      ['32768-60999', [[32768, 60999]]],
      [
        '1-2, 30000-40000 7',
        [
          [1, 2],
          [30000, 40000],
          [7, 7],
        ],
      ],
    ],
    bad: ['a', '2-1', '1-65536', '-5', '1-', '1-2-3', '32768–60999'],
  },
  {
    type: listenAddress,
    good: [
      ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
      [':80', { host: '', port: 80 }],
      ['[::]:80', { host: '::', port: 80 }],
      ['[fe80::1%eth0]:0', { host: 'fe80::1%eth0', port: 0 }],
      ['node-1.example:65535', { host: 'node-1.example', port: 65535 }],
    ],
    bad: [
      '',
      '80',
      '0.0.0.0',
      '0.0.0.0:',
      ':65536',
      ':http',
      '::1:80',
      '[::1]',
      '[x]:80',
      '1.2.3.400:80',
      'a b:80',
    ],
  },
  {
    type: cidrs,
    good: [
      ['', []],
      ['10.0.0.0/8', ['10.0.0.0/8']],
      ['10.0.0.0/8\n\n 2001:db8::/32 \n', ['10.0.0.0/8', '2001:db8::/32']],
    ],
    bad: ['10.0.0.0', '10.0.0.0/33', '::/129', '10.0.0/8', '10.0.0.0/8,11.0.0.0/8', 'x/8', '10.0.0.0/8\nx'],
  },
  {
    type: endpoint,
    good: [
      ['', undefined],
      ['http://collector:4317', 'http://collector:4317'],
      ['HTTPS://Collector:4317/v1/metrics', 'https://collector:4317'],
      ['https://collector', 'https://collector:443'],
      ['http://collector:80/', 'http://collector:80'],
      ['http://[::1]:4317', 'http://[::1]:4317'],
    ],
    bad: [
      'collector:4317',
      'collector',
      'ftp://x',
      'http://',
      'http:x',
      'http://x:99999',
      'http://me:pw@x:4317',
    ],
  },
  {
    type: regex,
    good: [
      ['', undefined],
      ['^/k8s/', /^\/k8s\//],
      ['(?i)abc', /abc/i],
      ['(?:a|b)\\d', /(?:a|b)\d/],
    ],
    bad: ['(', '[[:alpha:]]', '(?P<x>a)', '\\Aabc', 'a\\z', '\\p{L}', '\\x{41}', '*'],
  },
  {
    type: flag,
    good: [
      ['true', true],
      ['1', true],
      ['T', true],
      ['FALSE', false],
      ['0', false],
    ],
    bad: ['', 'yes', 'tRUE', '2', 'on'],
  },
  {
    type: rate,
    good: [
      ['10', 10],
      ['0.5', 0.5],
      ['1e3', 1000],
      ['0', 0],
    ],
    bad: ['', '-1', 'NaN', 'Infinity', '1e999', '0x10', '1,5'],
  },
  {
    type: sampling,
    good: [
      ['0.25', 0.25],
      ['2', 1],
      ['-0.1', 1],
    ],
    bad: ['', 'all'],
  },
  {
    type: coreShare,
    good: [
      ['0', 0],
      ['0.05', 0.05],
      ['5%', 0.05],
      ['100%', 1],
    ],
    bad: ['', '%', '5', '101%', '-1%', '5 %', 'NaN', '5%%'],
  },
  {
    type: count,
    good: [
      ['0', 0],
      ['4096', 4096],
    ],
    bad: ['', '-1', '1.5', '1e3', '99999999999999999999'],
  },
  { type: oneOf(['warn', 'info']), good: [['INFO', 'info']], bad: ['', 'warning', 'warn,info'] },
  {
    type: secret,
    good: [
      ['abc123==', 'abc123=='],
      ['abc\n', 'abc'],
    ],
    bad: ['a\nb', 'schlüssel'],
  },
  {
    type: directory,
    good: [
      ['/sys/fs/cgroup/', '/sys/fs/cgroup'],
      ['/', '/'],
    ],
    bad: ['', 'sys', '/a\0b'],
  },
  { type: path, good: [['./a.yaml', './a.yaml']], bad: ['a\0'] },
];

for (const { type, good, bad } of tables) {
  test(`${type.name} reads what it should`, () => {
    for (const [text, value] of good) assert.deepEqual(type.parse(text), value, JSON.stringify(text));
  });
  test(`${type.name} refuses the rest`, () => {
    for (const text of bad) assert.throws(() => type.parse(text), Error, JSON.stringify(text));
  });
}

test('a duration is the sum of its parts', () => {
  const part = fc.nat(1000);
  fc.assert(
    fc.property(part, part, part, part, (h, m, s, ms) => {
      const expectedMs = ((h * 60 + m) * 60 + s) * 1000 + ms;
      assert.equal(duration.parse(`${h}h${m}m${s}s${ms}ms`), expectedMs);
    }),
  );
});

test('a size is its number times its unit', () => {
  const units = fc.constantFrom(['', 0] as const, ['K', 1] as const, ['MiB', 2] as const, ['gb', 3] as const);
  fc.assert(
    fc.property(fc.nat(8_000_000), units, (number, [unit, power]) => {
      assert.equal(size.parse(`${number}${unit}`), number * 1024 ** power);
    }),
  );
});

test('port ranges come back as written', () => {
  const port = fc.nat(65535);
  const range = fc.tuple(port, port).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const separator = fc.constantFrom(' ', ',', ', ', '\n');
  fc.assert(
    fc.property(fc.array(range), separator, (ranges, between) => {
      const text = ranges.map(([first, last]) => `${first}-${last}`).join(between);
      assert.deepEqual(portRanges.parse(text), ranges);
    }),
  );
});

test('no text makes a type do anything but answer or throw an Error', () => {
  fc.assert(
    fc.property(fc.constantFrom(...tables), fc.string({ unit: 'binary' }), ({ type }, text) => {
      try {
        type.parse(text);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
    { numRuns: 1000 },
  );
});
