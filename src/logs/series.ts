import type { Attributes } from '@opentelemetry/api';
import type { ListedContainer } from '../model/containers.ts';
import type { Counted } from './messages.ts';
import { wants } from './streams.ts';

export interface LogSeries {
  readonly labels: Attributes;
  readonly messages: number;
}

/** What has been counted, by group. */
export interface LogSeriesModel {
  add(group: string, source: string, of: () => ListedContainer): void;
  forget(groups: Iterable<string>): void;
  take(counted: Counted): void;
  /** Of containers that are shown. */
  all(): Iterable<LogSeries>;
  /** As told last. */
  readonly told: Pick<Counted, 'figures' | 'refused' | 'records'> | undefined;
}

type Counting = { -readonly [Key in keyof LogSeries]: LogSeries[Key] };

interface Group {
  readonly source: string;
  readonly of: () => ListedContainer;
  readonly series: Map<number, Counting>;
}

export function logSeries(): LogSeriesModel {
  const groups = new Map<string, Group>();
  const byId = new Map<number, Counting>();
  let told: LogSeriesModel['told'];

  return {
    add(name, source, of) {
      groups.set(name, { source, of, series: groups.get(name)?.series ?? new Map<number, Counting>() });
    },
    forget(names) {
      for (const name of names) {
        for (const id of groups.get(name)?.series.keys() ?? []) byId.delete(id);
        groups.delete(name);
      }
    },
    take(counted) {
      for (const { id, group: name, level, hash, sample } of counted.begun) {
        const group = groups.get(name);
        if (group === undefined) continue;
        const { labels: own } = group.of();
        const made = {
          labels: { ...own, level, pattern_hash: hash, sample, source: group.source },
          messages: 0,
        };
        group.series.set(id, made);
        byId.set(id, made);
      }
      const { totals } = counted;
      for (let i = 0; i < totals.length; i += 2) {
        const series = byId.get(totals[i]!);
        if (series !== undefined) series.messages = totals[i + 1]!;
      }
      told = counted;
    },
    *all() {
      for (const { series, of } of groups.values()) {
        const container = of();
        if (container.visible && wants(container)) yield* series.values();
      }
    },
    get told() {
      return told;
    },
  };
}
