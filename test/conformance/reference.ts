/** What the reference has: its metric families and its options, as facts in JSON beside this file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scope } from '../../src/catalogue/metric.ts';

export interface Family {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  /** Labels beyond those of the scope. */
  readonly labels: readonly string[];
  readonly scope: Scope;
}

export interface ReferenceOption {
  /** `--listen` for a flag, `LISTEN` for a variable. */
  readonly name: string;
  /** A container variable is read from the processes of a container. */
  readonly kind: 'flag' | 'variable' | 'container variable';
  /** One that is not the default; left out where there is none or where it cannot be tried. */
  readonly value?: string;
  /** The revision that has it first; `announced`: documented after both. */
  readonly since: 'seed' | 'head' | 'announced';
}

export const families = facts('families.json') as readonly Family[];
export const options = facts('options.json') as readonly ReferenceOption[];

function facts(file: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8'));
}

const node = ['machine_id', 'system_uuid'];
const constantLabels: Readonly<Record<Scope, readonly string[]>> = {
  bare: [],
  node,
  agent: node,
  container: [...node, 'container_id', 'app_id'],
};

/** Whether a series of the family may have exactly these labels. */
export function hasLabels({ labels, scope }: Family, seen: readonly string[]): boolean {
  const names = new Set(seen);
  const dropBoth = (one: string, other: string): void => {
    if (names.has(one) && names.has(other)) [one, other].forEach((name) => names.delete(name));
  };
  // Known both or not at all. `region` is also a label of its own, of a family without them.
  if (scope === 'agent' || scope === 'container') dropBoth('az', 'region');
  // What every pushed series gets on its way.
  dropBoth('instance', 'job');
  const expected = [...labels, ...constantLabels[scope]];
  return names.size === expected.length && expected.every((name) => names.has(name));
}
