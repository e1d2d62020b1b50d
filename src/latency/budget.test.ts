import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CpuBudget } from './budget.ts';

test('what was used is paid back at the rate of the share', () => {
  const time = { ms: 0 };
  const budget = new CpuBudget(0.1, 100e6, () => time.ms);
  assert.ok(budget.hasLeft);
  budget.spend(99e6);
  assert.ok(budget.hasLeft);
  budget.spend(101e6);
  time.ms = 1000;
  assert.ok(!budget.hasLeft, 'a tenth of a second came, and was owed');
  time.ms = 1001;
  assert.ok(budget.hasLeft);
  time.ms = 1e9;
  assert.ok(budget.hasLeft);
  budget.spend(100e6);
  assert.ok(!budget.hasLeft, 'no more than the most is saved up');
});
