/**
 * Makes what the verifier spends now the budget: `update.ts [--cause TEXT] [EVIDENCE...]`. Without files this kernel
 * is measured; each line of a file is what a test noted on another. Growth of more than a fifth wants a cause.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '../../../src/errors.ts';
import { loadAddon } from '../../../src/native/load.ts';
import { accept, kernelSeries, readBudgets, writeBudgets, type Measurement } from './budget.ts';
import { measure } from './measure.ts';

async function measured(files: readonly string[]): Promise<Measurement[]> {
  if (files.length === 0) return [{ kernel: kernelSeries, spent: (await measure(loadAddon())).spent }];
  const lines = files.flatMap((file) => readFileSync(file, 'utf8').split('\n'));
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Measurement);
}

try {
  const { values, positionals } = parseArgs({
    options: { cause: { type: 'string' } },
    allowPositionals: true,
  });
  let budgets = readBudgets();
  for (const each of await measured(positionals)) budgets = accept(budgets, each, values.cause);
  writeBudgets(budgets);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
