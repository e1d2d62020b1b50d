import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valueOf } from '../host/statistics.ts';
import { cpuLimitV1, cpuLimitV2, cpuThrottlingV1, cpuUsageV1, cpuUsageV2 } from './cpu.ts';
import { memoryLimit, memoryV1, memoryV2 } from './memory.ts';
import { pressureV2 } from './pressure.ts';
import { sourcesOf } from './sources.ts';

test('a value belongs to its own key, wherever the line stands; a missing key is 0', () => {
  const text = 'file_mapped 3\nanon 1\nfile 2\n';
  assert.deepEqual(
    ['file', 'anon', 'file_mapped', 'mapped', 'shmem'].map((key) => valueOf(text, key)),
    [2, 1, 3, 0, 0],
  );
  assert.equal(valueOf('anon max\n', 'anon'), 0);
});

test('cpu: micro-seconds of v2 and nanoseconds of v1 become seconds', () => {
  assert.deepEqual(cpuUsageV2('/v2').parse(['usage_usec 1500000\nthrottled_usec 250000\n']), {
    usageSeconds: 1.5,
    throttledSeconds: 0.25,
  });
  assert.deepEqual(cpuUsageV1('/acct').parse(['61500000000\n']), { usageSeconds: 61.5 });
  assert.equal(cpuThrottlingV1('/cpu').parse(['nr_throttled 4\nthrottled_time 1250000000\n']), 1.25);
  assert.deepEqual(cpuUsageV2('/v2').parse([undefined]), {
    usageSeconds: undefined,
    throttledSeconds: undefined,
  });
});

test('cpu limits: quota and period are cores', () => {
  const v2 = (text: string | undefined): number | undefined => cpuLimitV2('/v2').parse([text]);
  assert.equal(v2('50000 100000\n'), 0.5);
  for (const none of ['max 100000\n', '', '50000\n', '-1 100000\n', '50000 0\n', undefined])
    assert.equal(v2(none), undefined);
  assert.equal(cpuLimitV1('/cpu').parse(['150000\n', '100000\n']), 1.5);
  assert.equal(cpuLimitV1('/cpu').parse(['-1\n', '100000\n']), undefined);
});

test('memory: v2 has anonymous and mapped ones, v1 sums of the subtree', () => {
  const v2 = memoryV2('/v2').parse(['anon 10\nfile 20\nfile_mapped 5\n']);
  assert.deepEqual(v2, { rssBytes: 15, cacheBytes: 20 });
  const stat = 'cache 1\nrss 2\nmapped_file 3\ntotal_cache 10\ntotal_rss 20\ntotal_mapped_file 30\n';
  assert.deepEqual(memoryV1('/v1').parse([stat]), { rssBytes: 50, cacheBytes: 10 });
  assert.equal(memoryV2('/v2').parse([undefined]), undefined);
});

test('memory limits: max, and the largest number of v1, are none', () => {
  assert.equal(memoryLimit('/m', 2).parse(['1024\n']), 1024);
  assert.equal(memoryLimit('/m', 2).parse(['max\n']), undefined);
  assert.equal(memoryLimit('/m', 1).parse(['4611686018427387904\n']), 2 ** 62);
  assert.equal(memoryLimit('/m', 1).parse(['9223372036854771712\n']), undefined);
});

test('pressure: all three files or nothing; a missing full line is 0', () => {
  const { parse } = pressureV2('/v2');
  const some = (total: number): string => `some avg10=0.00 avg60=0.00 avg300=0.00 total=${total}\n`;
  const both = (total: number): string => some(total) + some(total / 2).replace('some', 'full');
  assert.deepEqual(parse([some(1_000_000), both(2_000_000), both(3_000_000)]), {
    some: [1, 2, 3],
    full: [0, 1, 1.5],
  });
  assert.equal(parse([some(1), both(2), undefined]), undefined);
  assert.equal(parse([some(1), '', both(2)]), undefined);
});

test('every controller is looked for where it is', () => {
  const files = (controllers: Parameters<typeof sourcesOf>[0]): string[] =>
    Object.values(sourcesOf(controllers)).flatMap((source: { files(path: string): readonly string[] }) => [
      ...source.files('/a'),
    ]);
  const pressure = ['cpu', 'memory', 'io'].map((name) => `/u/a/${name}.pressure`);
  assert.deepEqual(files({ v1: {}, v2: '/u' }), [
    ...['cpu.stat', 'cpu.max', 'memory.stat', 'memory.max'].map((name) => `/u/a/${name}`),
    ...pressure,
  ]);
  assert.deepEqual(files({ v1: { cpu: '/c', cpuacct: '/t', memory: '/m' }, v2: '/u' }), [
    '/t/a/cpuacct.usage',
    '/c/a/cpu.stat',
    '/c/a/cpu.cfs_quota_us',
    '/c/a/cpu.cfs_period_us',
    '/m/a/memory.stat',
    '/m/a/memory.limit_in_bytes',
    ...pressure,
  ]);
  assert.deepEqual(files({ v1: { memory: '/m' }, v2: undefined }), [
    '/m/a/memory.stat',
    '/m/a/memory.limit_in_bytes',
  ]);
});
