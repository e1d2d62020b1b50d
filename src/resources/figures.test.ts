import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuV1, cpuV2 } from './cpu.ts';
import { valueOf } from '../host/statistics.ts';
import { memoryV1, memoryV2 } from './memory.ts';
import { pressureV2 } from './pressure.ts';

test('a value belongs to its own key, wherever the line stands; a missing key is 0', () => {
  const text = 'file_mapped 3\nanon 1\nfile 2\n';
  assert.deepEqual(
    ['file', 'anon', 'file_mapped', 'mapped', 'shmem'].map((key) => valueOf(text, key)),
    [2, 1, 3, 0, 0],
  );
  assert.equal(valueOf('anon max\n', 'anon'), 0);
});

test('cpu on v2: micro-seconds become seconds, quota and period cores', () => {
  const { files, parse } = cpuV2('/v2');
  assert.deepEqual(files('/a'), ['/v2/a/cpu.stat', '/v2/a/cpu.max']);
  const stat = 'usage_usec 1500000\nthrottled_usec 250000\n';
  const shown = { usageSeconds: 1.5, throttledSeconds: 0.25 };
  assert.deepEqual(parse([stat, '50000 100000\n']), { ...shown, limitCores: 0.5 });
  for (const none of ['max 100000\n', '', '50000\n', '-1 100000\n', '50000 0\n', undefined])
    assert.deepEqual(parse([stat, none]), { ...shown, limitCores: undefined });
});

test('cpu on v1: nanoseconds, each controller by itself', () => {
  const files = (cpuacct?: string, cpu?: string): readonly string[] => cpuV1(cpuacct, cpu).files('/a');
  const ofCpu = ['/cpu/a/cpu.stat', '/cpu/a/cpu.cfs_quota_us', '/cpu/a/cpu.cfs_period_us'];
  assert.deepEqual(files('/acct', '/cpu'), [...ofCpu, '/acct/a/cpuacct.usage']);
  assert.deepEqual(files('/acct'), ['/acct/a/cpuacct.usage']);
  assert.deepEqual(files(undefined, '/cpu'), ofCpu);
  const stat = 'nr_throttled 4\nthrottled_time 1250000000\n';
  assert.deepEqual(cpuV1('/acct', '/cpu').parse([stat, '150000\n', '100000\n', '61500000000\n']), {
    usageSeconds: 61.5,
    throttledSeconds: 1.25,
    limitCores: 1.5,
  });
  assert.deepEqual(cpuV1(undefined, '/cpu').parse([stat, '-1\n', '100000\n']), {
    usageSeconds: undefined,
    throttledSeconds: 1.25,
    limitCores: undefined,
  });
  assert.equal(cpuV1('/acct', undefined).parse(['5000000000\n']).usageSeconds, 5);
});

test('memory on v2: anonymous and mapped are resident; max is no limit', () => {
  const { parse } = memoryV2('/v2');
  const stat = 'anon 10\nfile 20\nfile_mapped 5\n';
  assert.deepEqual(parse([stat, '1024\n']), { rssBytes: 15, cacheBytes: 20, limitBytes: 1024 });
  assert.deepEqual(parse([stat, 'max\n']), { rssBytes: 15, cacheBytes: 20, limitBytes: undefined });
  assert.deepEqual(parse([undefined, '1024\n']), { limitBytes: 1024 });
});

test('memory on v1: sums of the subtree; the largest number is no limit', () => {
  const { parse } = memoryV1('/v1');
  const stat = 'cache 1\nrss 2\nmapped_file 3\ntotal_cache 10\ntotal_rss 20\ntotal_mapped_file 30\n';
  assert.deepEqual(parse([stat, '9223372036854771712\n']), {
    rssBytes: 50,
    cacheBytes: 10,
    limitBytes: undefined,
  });
  assert.equal(parse([stat, '4611686018427387904\n']).limitBytes, 2 ** 62);
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
