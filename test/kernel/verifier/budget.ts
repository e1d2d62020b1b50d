/** What the verifier spent on each program, by kernel, and the one rule: growth wants a cause. */
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';

/** `<object>/<program>` to instructions processed; null: this kernel refuses the program. */
export type Spent = Readonly<Record<string, number | null>>;

export interface Growth {
  readonly program: string;
  readonly from: number;
  readonly to: number | null;
}

export interface Budgets {
  /** By release series, such as `6.18`. */
  readonly kernels: Readonly<Record<string, Spent>>;
  /** Growth that was accepted, the latest last. */
  readonly causes: readonly (Growth & { readonly kernel: string; readonly cause: string })[];
}

/** One line of evidence: what a kernel spent where the file cannot be written, such as in a virtual machine. */
export interface Measurement {
  readonly kernel: string;
  readonly spent: Spent;
}

const file = join(import.meta.dirname, 'budgets.json');
const tolerated = 1.2;

export const kernelSeries = /^\d+\.\d+/.exec(release())?.[0] ?? release();

/** More than a fifth beyond the budget, or refused where it was not. Other programs are no growth. */
export function growth(budget: Spent, spent: Spent): Growth[] {
  return Object.entries(spent).flatMap(([program, to]) => {
    const from = budget[program] ?? null;
    return from !== null && (to === null || to > from * tolerated) ? [{ program, from, to }] : [];
  });
}

/** What has no budget yet: new programs, and those that this kernel used to refuse. */
export function unbudgeted(budget: Spent, spent: Spent): Spent {
  const isNew = ([program, count]: [string, number | null]): boolean =>
    !(program in budget) || (budget[program] === null && count !== null);
  return Object.fromEntries(Object.entries(spent).filter(isNew));
}

/** Budgets with what a kernel spends now. Throws where something grew and nobody says why. */
export function accept(budgets: Budgets, { kernel, spent }: Measurement, cause = ''): Budgets {
  const grown = growth(budgets.kernels[kernel] ?? {}, spent);
  if (grown.length > 0 && cause === '') throw new Error(`a cause is missing\n${describe(kernel, grown)}`);
  return {
    kernels: sorted({ ...budgets.kernels, [kernel]: sorted(spent) }),
    causes: [...budgets.causes, ...grown.map((each) => ({ kernel, ...each, cause }))],
  };
}

export function describe(kernel: string, grown: readonly Growth[]): string {
  const lines = grown.map(
    ({ program, from, to }) => `${program} on Linux ${kernel}: ${from} instructions, now ${to ?? 'refused'}`,
  );
  return lines.join('\n');
}

export function readBudgets(): Budgets {
  return JSON.parse(readFileSync(file, 'utf8')) as Budgets;
}

export function writeBudgets(budgets: Budgets): void {
  writeFileSync(file, `${JSON.stringify(budgets, null, 2)}\n`);
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  const byName = new Intl.Collator('en', { numeric: true }).compare;
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => byName(a, b)));
}
