import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome, TestResult } from './reporter.ts';
import { verdict } from './verdict.ts';

const result = (name: string, outcome: Outcome, reason?: string): TestResult => ({
  file: 'a.test.ts',
  name,
  outcome,
  ms: 1,
  ...(reason !== undefined && { reason }),
});

test('a test counts as run where any part ran it, failed or not', () => {
  const found = verdict([
    {
      part: 'kernel',
      passed: true,
      tests: [result('a', 'passed'), result('b', 'skipped', 'needs x'), result('c', 'skipped', 'needs y')],
    },
    {
      part: 'vm-5.10',
      passed: false,
      tests: [result('a', 'failed'), result('b', 'passed'), result('c', 'skipped', 'needs z')],
    },
  ]);
  assert.deepEqual(found, {
    failedParts: ['vm-5.10'],
    neverRun: [{ test: 'a.test.ts: c', reasons: ['kernel: needs y', 'vm-5.10: needs z'] }],
    passed: 2,
    failed: 1,
  });
});
