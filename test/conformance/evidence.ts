/** Reads what a run of the suite left in its results folder. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestResult } from '../../tools/suite/reporter.ts';
import type { Sighting } from './seen.ts';

interface Proof {
  readonly file: string;
  readonly name: string;
  readonly subjects: readonly string[];
}

export interface Evidence {
  /** Parts that left results. */
  readonly parts: readonly string[];
  /** Names of the passed tests that prove a subject, by subject. */
  readonly proofs: ReadonlyMap<string, readonly string[]>;
  readonly sightings: readonly Sighting[];
  /** Proofs that do not count, and lines that cannot be read, each with its reason. */
  readonly refused: readonly string[];
}

/** A folder of results for each part below `folder`. A part without any, such as a linter, has an empty one. */
export function readEvidence(folder: string): Evidence {
  const parts = existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort()
    : [];
  const proofs = new Map<string, Set<string>>();
  const sightings: Sighting[] = [];
  const refused: string[] = [];
  for (const part of parts) {
    const lines = <T>(kind: RegExp): T[] => readLines<T>(join(folder, part), kind, refused);
    sightings.push(...lines<Sighting>(/^seen-.*\.ndjson$/));
    const outcomes = outcomesOf(lines<TestResult>(/^tests\.ndjson$/));
    for (const { file, name, subjects } of lines<Proof>(/^proofs-.*\.ndjson$/)) {
      const test = `${file}: ${name}`;
      const outcome = outcomes.get(test) ?? 'without a result';
      if (outcome !== 'passed')
        refused.push(`${part}: ${test}: ${outcome}, proves nothing of ${subjects.join(', ')}`);
      else for (const subject of subjects) proofs.set(subject, (proofs.get(subject) ?? new Set()).add(test));
    }
  }
  return {
    parts,
    proofs: new Map([...proofs].map(([subject, tests]) => [subject, [...tests]])),
    sightings,
    refused,
  };
}

/** Of tests that share a name all must have passed. */
function outcomesOf(tests: readonly TestResult[]): ReadonlyMap<string, TestResult['outcome']> {
  const outcomes = new Map<string, TestResult['outcome']>();
  for (const { file, name, outcome } of tests) {
    const test = `${file}: ${name}`;
    if ((outcomes.get(test) ?? 'passed') === 'passed') outcomes.set(test, outcome);
  }
  return outcomes;
}

/** Lines of every file of `folder` whose name matches. A run that was ended may have left half a line. */
function readLines<T>(folder: string, file: RegExp, refused: string[]): T[] {
  const found: T[] = [];
  for (const name of readdirSync(folder).filter((candidate) => file.test(candidate))) {
    const lines = readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean);
    for (const [index, line] of lines.entries()) {
      try {
        found.push(JSON.parse(line) as T);
      } catch {
        refused.push(`${join(folder, name)}, line ${index + 1}: no JSON`);
      }
    }
  }
  return found;
}
