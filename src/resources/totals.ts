import { followCgroups } from '../model/cgroup-readings.ts';
import type { Cgroup } from '../model/containers.ts';
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

/** Topmost cgroups of one container. A sum does not fall: what they have counted stays when they are gone. */
export interface Account {
  readonly living: Map<number, Reading>;
  /** Those that are gone, while their last tasks may still tell what they used. */
  readonly ending: Map<number, Reading>;
  gone: Totals;
}

export function emptyAccount(): Account {
  return { living: new Map(), ending: new Map(), gone: {} };
}

/** Takes the cgroups out of the account that are not among `tops`, and brings in those that are new. */
export function renew(
  account: Account,
  tops: readonly Cgroup[],
  fresh: (path: string) => Reading,
  exists: (cgroupId: number) => boolean,
): void {
  followCgroups(account.living, tops, {
    exists,
    fresh,
    onGone(id, reading) {
      reading.ended = true;
      account.ending.set(id, reading);
    },
  });
}

/** The container of `from` has turned out to be that of `to`. */
export function merge(from: Account, to: Account): void {
  for (const [id, reading] of from.living) if (!to.living.has(id)) to.living.set(id, reading);
  for (const [id, reading] of from.ending) to.ending.set(id, reading);
  to.gone = plusCounters(to.gone, from.gone);
}

/** Of those that are gone no task will tell anything any more when nobody remembers them. */
export function settle(account: Account, isRemembered: (cgroupId: number) => boolean): void {
  for (const [id, reading] of account.ending) {
    if (isRemembered(id)) continue;
    account.ending.delete(id);
    account.gone = withCounters(account.gone, reading);
  }
}

/** Tasks below one of its topmost cgroups have used the CPU. One that is not known came and went between two readings. */
export function use(account: Account, cgroupId: number, seconds: number, fresh: () => Reading): void {
  let reading = account.living.get(cgroupId) ?? account.ending.get(cgroupId);
  if (reading === undefined) account.ending.set(cgroupId, (reading = { ...fresh(), ended: true }));
  reading.taskSeconds += seconds;
}

export function totalsOf({ living, ending, gone }: Account): Totals {
  let totals = { ...gone };
  for (const reading of ending.values()) totals = withCounters(totals, reading);
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
  return plusCounters(totals, { ...reading, usageSeconds: usageOf(reading) });
}

function plusCounters(totals: Totals, more: Pick<Totals, Counter>): Totals {
  return {
    ...totals,
    usageSeconds: plus(totals.usageSeconds, more.usageSeconds),
    throttledSeconds: plus(totals.throttledSeconds, more.throttledSeconds),
    pressure: addPressure(totals.pressure, more.pressure),
  };
}

type Counter = 'usageSeconds' | 'throttledSeconds' | 'pressure';

/**
 * The CPU time of a cgroup as it was read last or, once it is gone, as its tasks say if that is more: they may have run since.
 * A task says what it used until the last tick of the clock, so while the cgroup lives its own figure is the better one.
 */
function usageOf({ ended, usageSeconds, taskSeconds, beforeTasks }: Reading): number | undefined {
  if (!ended || taskSeconds === 0) return usageSeconds;
  return Math.max(usageSeconds ?? 0, beforeTasks + taskSeconds);
}

function plus(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : one + other;
}
