import type { Attributes } from '@opentelemetry/api';
import type { Container } from '../model/containers.ts';
import { otherDestination, type TcpCounts } from './reading.ts';

/** Connections of one container to one destination: the sum over its cgroups, those that are gone included. */
export interface Series {
  container: Container;
  readonly destination: string;
  /** Interned: one object as long as the series lives. */
  labels: { readonly connection: Attributes; readonly failure: Attributes };
  successful: number;
  failed: number;
  active: number;
  /** CLOCK_MONOTONIC. */
  lastNs: number;
  /** An idle entry of it is still in the kernel: forgotten now, the series would come back with the old count. */
  waiting: boolean;
  /** Counts of entries that are no longer in the kernel: a sum must not fall while its series lives. */
  retired: { successful: number; failed: number };
}

/** All series by container and destination. */
export interface SeriesTable {
  has(container: Container, destination: string): boolean;
  /** Finds or makes the series. */
  of(container: Container, destination: string): Series;
  /** Hands what is retired of containers that turned out to be others to the series of those. */
  rename(): void;
  /** Forgets series without open connections that saw no attempt since then. */
  forgetIdle(sinceNs: number): void;
  all(): Iterable<Series>;
}

export function seriesTable(): SeriesTable {
  const series = new Map<string, Series>();
  const of = (container: Container, destination: string): Series => {
    const key = keyOf(container, destination);
    let found = series.get(key);
    if (found === undefined) {
      found = fresh(container, destination);
      series.set(key, found);
    } else if (found.container.labels !== container.labels) found.labels = labelsOf(container, destination);
    found.container = container;
    return found;
  };
  return {
    has: (container, destination) => series.has(keyOf(container, destination)),
    of,
    rename: () => {
      for (const [key, sum] of series) {
        const { container, destination, retired, lastNs } = sum;
        if (container.successor === undefined) continue;
        series.delete(key);
        retireInto(of(container.successor, destination), { ...retired, active: 0, lastNs });
      }
    },
    forgetIdle: (sinceNs) => {
      for (const [key, sum] of series) {
        if (sum.active === 0 && !sum.waiting && sum.lastNs < sinceNs) series.delete(key);
      }
    },
    all: () => series.values(),
  };
}

/** Sets a sum back to what is retired, before a reading is added up. */
export function restart(sum: Series): void {
  sum.successful = sum.retired.successful;
  sum.failed = sum.retired.failed;
  sum.active = 0;
  sum.waiting = false;
}

/** Adds the counts of one entry to its series. */
export function addTo(sum: Series, counts: TcpCounts): void {
  sum.successful += counts.successful;
  sum.failed += counts.failed;
  sum.active += counts.active;
  sum.lastNs = Math.max(sum.lastNs, counts.lastNs);
}

/** Keeps the counts of an entry that has been taken out of the kernel. The sum of the current reading stays as it is. */
export function retireInto(sum: Series, counts: TcpCounts): void {
  sum.retired.successful += counts.successful;
  sum.retired.failed += counts.failed;
  sum.lastNs = Math.max(sum.lastNs, counts.lastNs);
}

function keyOf(container: Container, destination: string): string {
  return `${container.id}\n${destination}`;
}

function fresh(container: Container, destination: string): Series {
  return {
    container,
    destination,
    labels: labelsOf(container, destination),
    successful: 0,
    failed: 0,
    active: 0,
    lastNs: 0,
    waiting: false,
    retired: { successful: 0, failed: 0 },
  };
}

function labelsOf(container: Container, destination: string): Series['labels'] {
  const actual = destination === otherDestination ? '' : destination;
  return {
    connection: { ...container.labels, destination, actual_destination: actual },
    failure: { ...container.labels, destination },
  };
}
