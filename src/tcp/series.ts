import type { Attributes } from '@opentelemetry/api';
import type { Container } from '../model/containers.ts';
import { addTotals, noTotals, otherDestination, type TcpCounts, type TcpTotals } from './reading.ts';

/** What a series is about, beside its container. */
export interface SeriesKey {
  readonly inbound: boolean;
  readonly destination: string;
  /** Of connections that go out, behind NAT; else empty. */
  readonly actual: string;
}

/** Connections of one container with one destination or own address: the sum over its cgroups, those that are gone included. */
export interface Series extends SeriesKey {
  container: Container;
  labels: SeriesLabels;
  totals: TcpTotals;
  active: number;
  /** CLOCK_MONOTONIC. */
  lastNs: number;
  /** An idle entry of it is still in the kernel: forgotten now, the series would come back with the old count. */
  waiting: boolean;
  /** 16 bytes, behind NAT; undefined where it is not known. */
  address: Uint8Array | undefined;
  /** Totals of entries that are no longer in the kernel: a sum must not fall while its series lives. */
  readonly retired: TcpTotals;
}

/** Interned: one object of each kind as long as the series lives. */
export interface SeriesLabels {
  readonly connection: Attributes;
  readonly failure: Attributes;
  /** By reason, each made when it is first asked for. */
  reason(reason: string): Attributes;
}

/** All series by container, direction and destination. */
export interface SeriesTable {
  has(container: Container, key: SeriesKey): boolean;
  /** Finds or makes the series. */
  of(container: Container, key: SeriesKey): Series;
  /** Hands what is retired of containers that turned out to be others to the series of those. */
  rename(): void;
  /** Forgets series without open connections that saw no attempt since then. */
  forgetIdle(sinceNs: number): void;
  all(): Iterable<Series>;
}

export function seriesTable(): SeriesTable {
  const series = new Map<string, Series>();
  const of = (container: Container, key: SeriesKey): Series => {
    const text = textOf(container, key);
    let found = series.get(text);
    if (found === undefined) {
      found = fresh(container, key);
      series.set(text, found);
    } else if (found.container.labels !== container.labels) found.labels = labelsOf(container, key);
    found.container = container;
    return found;
  };
  return {
    has: (container, key) => series.has(textOf(container, key)),
    of,
    rename: () => {
      for (const [text, sum] of series) {
        const { container, retired, lastNs } = sum;
        if (container.successor === undefined) continue;
        series.delete(text);
        retireInto(of(container.successor, sum), { totals: retired, active: 0, lastNs });
      }
    },
    forgetIdle: (sinceNs) => {
      for (const [text, sum] of series) {
        if (sum.active === 0 && !sum.waiting && sum.lastNs < sinceNs) series.delete(text);
      }
    },
    all: () => series.values(),
  };
}

/** Sets a sum back to what is retired, before a reading is added up. */
export function restart(sum: Series): void {
  sum.totals = noTotals();
  addTotals(sum.totals, sum.retired);
  sum.active = 0;
  sum.waiting = false;
}

/** Adds the counts of one entry to its series. */
export function addTo(sum: Series, counts: TcpCounts): void {
  addTotals(sum.totals, counts.totals);
  sum.active += counts.active;
  sum.lastNs = Math.max(sum.lastNs, counts.lastNs);
}

/** Keeps the counts of an entry that has been taken out of the kernel. The sum of the current reading stays as it is. */
export function retireInto(sum: Series, counts: TcpCounts): void {
  addTotals(sum.retired, counts.totals);
  sum.lastNs = Math.max(sum.lastNs, counts.lastNs);
}

function textOf(container: Container, { inbound, destination, actual }: SeriesKey): string {
  return `${container.id}\n${inbound ? '<' : '>'}${destination}\n${actual}`;
}

function fresh(container: Container, key: SeriesKey): Series {
  const { inbound, destination, actual } = key;
  return {
    container,
    inbound,
    destination,
    actual,
    labels: labelsOf(container, key),
    totals: noTotals(),
    active: 0,
    lastNs: 0,
    waiting: false,
    address: undefined,
    retired: noTotals(),
  };
}

function labelsOf(container: Container, { inbound, destination, actual }: SeriesKey): SeriesLabels {
  const failure = { ...container.labels, destination };
  const reasons = new Map<string, Attributes>();
  return {
    connection: inbound
      ? { ...container.labels, listen_addr: destination }
      : {
          ...container.labels,
          destination,
          actual_destination: destination === otherDestination ? '' : actual,
        },
    failure,
    reason: (reason) => {
      let labels = reasons.get(reason);
      if (labels === undefined) reasons.set(reason, (labels = { ...failure, reason }));
      return labels;
    },
  };
}
