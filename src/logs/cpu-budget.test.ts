import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuBudget } from './cpu-budget.ts';

function setUp(share: number) {
  const at = { nowMs: 0, usedMs: 0 };
  const clock = { now: () => 0, monotonic: () => at.nowMs };
  const of = cpuBudget(share, clock, () => at.usedMs);
  /** So long passes, in which so much is used. */
  const pass = (ms: number, usedMs: number): void => {
    at.nowMs += ms;
    at.usedMs += usedMs;
  };
  return { of, pass };
}

test('without a budget there is no limit', () => {
  const { of, pass } = setUp(0);
  pass(1000, 1000);
  assert.deepEqual([of.allows(), of.waitMs()], [true, 0]);
});

test('what is used is within the budget in the long run, whatever a piece of work costs', () => {
  for (const [dear, cheap] of [
    [10, 1],
    [10, 8],
    [30, 20],
  ] as const) {
    const { of, pass } = setUp(0.1);
    let [usedMs, totalMs, all] = [0, 0, 0];
    while (totalMs < 100_000) {
      const waitMs = of.waitMs();
      const costMs = waitMs > 0 ? 0 : of.allows() ? dear : cheap;
      const ms = waitMs > 0 ? waitMs : Math.max(costMs, 20);
      if (costMs === dear) all++;
      pass(ms, costMs);
      [usedMs, totalMs] = [usedMs + costMs, totalMs + ms];
    }
    assert.ok(usedMs / totalMs < 0.105 && usedMs / totalMs > 0.095, `${dear}: ${usedMs / totalMs}`);
    assert.equal(all > 100, cheap === 1, 'what can be left out is done as far as the budget goes');
  }
});

test('what was not used is kept for a second, what was used without asking is made up for in ten', () => {
  const { of, pass } = setUp(0.1);
  pass(60_000, 0);
  assert.ok(of.allows());
  pass(100, 100);
  assert.ok(of.allows(), 'a second of the budget at once');
  pass(100, 100);
  assert.deepEqual([of.allows(), of.waitMs()], [false, 0], 'read on, but without patterns');
  pass(5000, 5000);
  assert.ok(of.waitMs() > 0);
  pass(9100, 0);
  assert.deepEqual([of.allows(), of.waitMs()], [false, 0]);
  pass(1000, 0);
  assert.ok(of.allows());
});
