import { closest, distance } from 'fastest-levenshtein';
import { cloud } from './table/cloud.ts';
import { containers } from './table/containers.ts';
import { general } from './table/general.ts';
import { network } from './table/network.ts';
import type { OptionSpec, OptionTable, ValueOf } from './table/option.ts';
import { output } from './table/output.ts';
import { workloads } from './table/workloads.ts';

/** All options, by subject, in the order of `--help`. */
export const groups: Readonly<Record<string, OptionTable>> = {
  General: general,
  'Where metrics go': output,
  Containers: containers,
  Network: network,
  Cloud: cloud,
  Workloads: workloads,
};

const table = { ...general, ...output, ...containers, ...network, ...cloud, ...workloads };

export type OptionName = keyof typeof table;

/** The values of all options under their names. */
export type Values = { readonly [K in OptionName]: ValueOf<(typeof table)[K]> };

export const options: Readonly<Record<OptionName, OptionSpec>> = table;

/** Every name that a flag or a file key may have, aliases included. */
const optionsByName = new Map<string, OptionName>(
  Object.entries(options).flatMap(([name, spec]) =>
    [name, ...(spec.aliases ?? [])].map((known) => [known, name as OptionName] as const),
  ),
);

/** The option that a flag or a file key names, by an alias too. */
export function optionNamed(name: string): OptionName | undefined {
  return optionsByName.get(name);
}

/** The known name nearest to an unknown one, unless all are far off. */
export function nearestName(unknown: string): string | undefined {
  if (unknown.length > 100) return undefined;
  const nearest = closest(unknown, [...optionsByName.keys()]);
  return distance(unknown, nearest) <= Math.max(unknown.length, nearest.length) / 2 ? nearest : undefined;
}

/** Environment variables of an option; the first that is set counts. */
export function envsOf(name: string, spec: OptionSpec): readonly string[] {
  return spec.envs ?? [name.toUpperCase().replaceAll('-', '_')];
}
