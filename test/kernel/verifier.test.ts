import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf } from '../../src/errors.ts';
import { note } from '../proof.ts';
import { addon, skipWalks } from './machine.ts';
import {
  accept,
  describe,
  growth,
  kernelSeries,
  readBudgets,
  unbudgeted,
  writeBudgets,
} from './verifier/budget.ts';
import { measure } from './verifier/measure.ts';

const update = "node test/kernel/verifier/update.ts --cause '...' [verifier-*.ndjson]";

test('no program costs the verifier more than its budget', { skip: skipWalks }, async (t) => {
  const { spent, reasons } = await measure(addon());
  const measurement = { kernel: kernelSeries, spent };
  note('verifier', measurement);
  assert.ok(Object.keys(spent).length > 0);
  for (const [program, reason] of reasons) t.diagnostic(`${program} is refused here: ${reason}`);

  const budgets = readBudgets();
  const budget = budgets.kernels[kernelSeries] ?? {};
  const grown = growth(budget, spent);
  const ends = grown.flatMap(({ program }) => reasons.get(program) ?? []);
  assert.ok(
    grown.length === 0,
    [describe(kernelSeries, grown), ...ends, `if that is well: ${update}`].join('\n'),
  );

  const added = unbudgeted(budget, spent);
  if (Object.keys(added).length === 0) return;
  t.diagnostic(`warning: no budget on Linux ${kernelSeries} yet: ${Object.keys(added).join(', ')}`);
  try {
    writeBudgets(accept(budgets, { kernel: kernelSeries, spent: { ...budget, ...added } }));
  } catch (error) {
    if (codeOf(error) !== 'EROFS') throw error;
    t.diagnostic(`this tree is read-only: ${update} with what is noted in TEST_EVIDENCE`);
  }
});

test('a fifth is tolerated, more wants a cause', () => {
  const budgets = { kernels: { '5.10': { 'a/one': 100, 'a/two': null, 'a/gone': 7 } }, causes: [] };
  const measured = (spent: Record<string, number | null>) => ({ kernel: '5.10', spent });
  const quiet = { 'a/one': 120, 'a/two': 9000, 'b/new': 5000, 'b/refused': null };
  assert.deepEqual(accept(budgets, measured(quiet)), { kernels: { '5.10': quiet }, causes: [] });
  assert.deepEqual(unbudgeted(budgets.kernels['5.10'], { ...quiet, 'a/one': 500 }), {
    'a/two': 9000,
    'b/new': 5000,
    'b/refused': null,
  });
  for (const to of [121, null]) {
    assert.deepEqual(growth(budgets.kernels['5.10'], { 'a/one': to }), [{ program: 'a/one', from: 100, to }]);
    assert.throws(() => accept(budgets, measured({ 'a/one': to })), /a\/one on Linux 5\.10: 100 .*now/);
    assert.deepEqual(accept(budgets, measured({ 'a/one': to }), 'IPv6'), {
      kernels: { '5.10': { 'a/one': to } },
      causes: [{ kernel: '5.10', program: 'a/one', from: 100, to, cause: 'IPv6' }],
    });
  }
});
