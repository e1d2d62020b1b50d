import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeReader } from './times.ts';

test('times of runtimes, and what is none', () => {
  const timeOf = timeReader();
  const base = Date.UTC(2031, 0, 2, 3, 4, 5);
  for (const [text, ms] of [
    ['2031-01-02T03:04:05Z', base],
    ['2031-01-02T03:04:05.678Z', base + 678],
    ['2031-01-02T03:04:05.678912345Z', base + 678],
    ['2031-01-02T03:04:06.000912345Z', base + 1000],
    ['2031-01-02T03:04:05.5Z', base + 500],
    ['2031-01-02T03:04:05.07Z', base + 70],
    ['2031-01-02T04:04:05.678912345+01:00', base + 678],
    ['2031-01-01T22:04:05-05:00', base],
    ['2031-13-02T03:04:05Z', undefined],
    ['2031-13-02T03:04:05.1Z', undefined],
    ['2031-01-02T03:04:05:1Z', undefined],
    ['2031-01-02 03:04:05Z', undefined],
    ['t', undefined],
    ['', undefined],
    [`2031-01-02T03:04:05.${'1'.repeat(100)}Z`, undefined],
  ] as const)
    assert.equal(timeOf(text), ms, text);
});
