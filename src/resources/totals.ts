import { addPressure, type Pressure } from './pressure.ts';
import type { Reading } from './readings.ts';

/** Figures of a container: the sum over its topmost cgroups. */
export interface Totals {
  usageSeconds?: number | undefined;
  throttledSeconds?: number | undefined;
  pressure?: Pressure | undefined;
  limitCores?: number | undefined;
  rssBytes?: number | undefined;
  cacheBytes?: number | undefined;
  limitBytes?: number | undefined;
}

/** Cgroups of one container, and the counters of those that are gone: a sum does not fall. */
export interface Account {
  readonly living: Map<number, Reading>;
  gone: Totals;
}

/** Takes a cgroup that is gone out of the account; its counters stay. */
export function retire(account: Account, cgroupId: number): void {
  const reading = account.living.get(cgroupId);
  account.living.delete(cgroupId);
  if (reading !== undefined) account.gone = withCounters(account.gone, reading);
}

export function totalsOf({ living, gone }: Account): Totals {
  let totals = { ...gone };
  for (const reading of living.values()) {
    totals = withCounters(totals, reading);
    // Gauges go with the cgroup.
    if (!reading.alive) continue;
    totals.limitCores = plus(totals.limitCores, reading.limitCores);
    totals.rssBytes = plus(totals.rssBytes, reading.memory?.rssBytes);
    totals.cacheBytes = plus(totals.cacheBytes, reading.memory?.cacheBytes);
    totals.limitBytes = plus(totals.limitBytes, reading.limitBytes);
  }
  return totals;
}

function withCounters(totals: Totals, reading: Reading): Totals {
  return {
    ...totals,
    usageSeconds: plus(totals.usageSeconds, reading.usageSeconds),
    throttledSeconds: plus(totals.throttledSeconds, reading.throttledSeconds),
    pressure: addPressure(totals.pressure, reading.pressure),
  };
}

function plus(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : one + other;
}
