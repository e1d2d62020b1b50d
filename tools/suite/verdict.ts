import type { TestResult } from './reporter.ts';

export interface PartResult {
  readonly part: string;
  readonly passed: boolean;
  readonly tests: readonly TestResult[];
}

export interface Verdict {
  readonly failedParts: readonly string[];
  /** Tests that were skipped in every part that has them, with the reasons. */
  readonly neverRun: readonly { readonly test: string; readonly reasons: readonly string[] }[];
  readonly passed: number;
  readonly failed: number;
}

/** What all parts say together: a test that one part had to skip counts as run where another part ran it. */
export function verdict(results: readonly PartResult[]): Verdict {
  const skipped = new Map<string, Set<string>>();
  const ran = new Set<string>();
  let [passed, failed] = [0, 0];
  for (const { part, tests } of results) {
    for (const { file, name, outcome, reason } of tests) {
      const test = `${file}: ${name}`;
      if (outcome === 'passed') passed++;
      if (outcome === 'failed') failed++;
      if (outcome !== 'skipped') ran.add(test);
      else skipped.set(test, (skipped.get(test) ?? new Set()).add(`${part}: ${reason}`));
    }
  }
  return {
    failedParts: results.filter((result) => !result.passed).map(({ part }) => part),
    neverRun: [...skipped]
      .filter(([test]) => !ran.has(test))
      .map(([test, reasons]) => ({ test, reasons: [...reasons] })),
    passed,
    failed,
  };
}
