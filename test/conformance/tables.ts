/** The two conformance tables, made of what the code declares and accepts and of evidence. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { sdkVariables } from '../../config/environment.ts';
import { loadOptions } from '../../config/load.ts';
import { envsOf, options as ownOptions } from '../../config/schema.ts';
import { catalogue } from '../../src/catalogue/index.ts';
import type { Evidence } from './evidence.ts';
import { families, hasLabels, options, type Family, type ReferenceOption } from './reference.ts';

export interface Row {
  readonly subject: string;
  /** What is reached of the columns of the table. */
  readonly reached: readonly string[];
  /** The passed tests that prove it. */
  readonly tests: readonly string[];
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

export function familyTable({ proofs, sightings }: Evidence): Table {
  const row = (family: Family): Row => {
    const seen = sightings.filter(({ family: name }) => name === family.name);
    const exact = seen.every(({ type, labels }) => type === family.type && hasLabels(family, labels));
    const tests = proofs.get(family.name) ?? [];
    return {
      subject: family.name,
      reached: [
        isDeclared(family) && 'declared',
        seen.length > 0 && 'seen',
        seen.length > 0 && exact && 'exact',
        tests.length > 0 && 'proven',
      ].filter((column) => column !== false),
      tests,
    };
  };
  return {
    title: 'metric families',
    columns: ['declared', 'seen', 'exact', 'proven'],
    rows: families.map(row),
  };
}

function isDeclared({ name, type, labels, scope }: Family): boolean {
  const spec = catalogue.get(name);
  if (spec === undefined || spec.type !== type || spec.scope !== scope || spec.own) return false;
  return isDeepStrictEqual([...spec.labels].sort(), [...labels].sort());
}

export function optionTable({ proofs }: Evidence): Table {
  const row = (option: ReferenceOption): Row => {
    const tests = proofs.get(option.name) ?? [];
    const effective = tests.length > 0;
    const accepted = option.kind === 'container variable' ? effective : isAccepted(option);
    const reached = [accepted && 'accepted', effective && 'effective'].filter((column) => column !== false);
    return { subject: option.name, reached, tests };
  };
  return { title: 'flags and variables', columns: ['accepted', 'effective'], rows: options.map(row) };
}

/** Whether the configuration takes it, and takes notice: by a value that is not the default, or as not effective yet. */
function isAccepted({ name, kind, value }: ReferenceOption): boolean {
  const said = value === undefined ? name : `${name}=${value}`;
  const loaded = kind === 'flag' ? loadOptions([said], {}) : loadOptions([], { [name]: value });
  if (loaded.kind === 'error') return false;
  return !isDeepStrictEqual(loaded, loadOptions([], {}));
}

/** Subjects of proofs that neither the reference nor the agent knows: slips of the pen. */
export function unknownSubjects({ proofs }: Evidence): string[] {
  const reference = [...families, ...options].map(({ name }) => name);
  const own = Object.entries(ownOptions).flatMap(([name, spec]) => [
    ...[name, ...(spec.aliases ?? [])].map((flag) => `--${flag}`),
    ...envsOf(name, spec),
  ]);
  const all = new Set([...reference, ...catalogue.keys(), ...own, ...Object.keys(sdkVariables)]);
  return [...proofs.keys()].filter((subject) => !all.has(subject));
}
