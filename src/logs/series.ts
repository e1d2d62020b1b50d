import type { Attributes } from '@opentelemetry/api';
import type { ListedContainer } from '../model/containers.ts';
import { levels, type Level } from './level.ts';
import type { LogExportFigures } from '../model/log-export.ts';
import type { Counted, KindFigures } from './messages.ts';
import { overflow } from './patterns.ts';
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
  /** Who counts begins again at 0, with other ids: what was counted goes on from where it is. */
  renew(): void;
  /** Of containers that are shown. */
  all(): Iterable<LogSeries>;
  /** As told last. */
  readonly told: Told | undefined;
}

type Told = Pick<Counted, 'figures' | 'refused' | 'records'>;
type Counting = { -readonly [Key in keyof LogSeries]: LogSeries[Key] };

interface Group {
  readonly source: string;
  readonly of: () => ListedContainer;
  /** By level and pattern. */
  readonly series: Map<string, Counting>;
  readonly ids: Set<number>;
}

/** `patternLimit`: of a level and source; whoever counts anew may find others, so twice as many at most. */
export function logSeries(patternLimit: number): LogSeriesModel {
  const maxSeries = levels.length * 2 * (patternLimit + 2);
  const groups = new Map<string, Group>();
  const byId = new Map<number, { readonly series: Counting; told: number }>();
  let before: Told | undefined;
  let told: Told | undefined;

  return {
    add(name, source, of) {
      const { series, ids } = groups.get(name) ?? { series: new Map<string, Counting>(), ids: new Set() };
      groups.set(name, { source, of, series, ids });
    },
    forget(names) {
      for (const name of names) {
        for (const id of groups.get(name)?.ids ?? []) byId.delete(id);
        groups.delete(name);
      }
    },
    take(counted) {
      for (const { id, group: name, level, hash, sample } of counted.begun) {
        const group = groups.get(name);
        if (group === undefined) continue;
        const isFull = !group.series.has(`${level} ${hash}`) && group.series.size >= maxSeries;
        const series = seriesOf(group, level, isFull ? overflow : { hash, sample });
        group.ids.add(id);
        byId.set(id, { series, told: 0 });
      }
      const { totals } = counted;
      for (let i = 0; i < totals.length; i += 2) {
        const own = byId.get(totals[i]!);
        if (own === undefined) continue;
        own.series.messages += totals[i + 1]! - own.told;
        own.told = totals[i + 1]!;
      }
      told = before === undefined ? counted : sumOf(before, counted);
    },
    renew() {
      byId.clear();
      for (const { ids } of groups.values()) ids.clear();
      before = told;
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

function seriesOf(group: Group, level: Level, { hash, sample }: { hash: string; sample: string }): Counting {
  const key = `${level} ${hash}`;
  let series = group.series.get(key);
  if (series === undefined) {
    const labels = { ...group.of().labels, level, pattern_hash: hash, sample, source: group.source };
    group.series.set(key, (series = { labels, messages: 0 }));
  }
  return series;
}

function sumOf(one: Told, other: Told): Told {
  const sum = (kind: keyof Told['figures']): KindFigures => {
    const [before, now] = [one.figures[kind], other.figures[kind]];
    return {
      lines: before.lines + now.lines,
      bytes: before.bytes + now.bytes,
      rotations: before.rotations + now.rotations,
      destroyedBytes: before.destroyedBytes + now.destroyedBytes,
      lagBytes: now.lagBytes,
      streams: now.streams,
    };
  };
  const refused = { ...one.refused };
  for (const [reason, count] of Object.entries(other.refused))
    refused[reason] = (refused[reason] ?? 0) + count;
  return {
    figures: { docker: sum('docker'), cri: sum('cri'), journald: sum('journald'), file: sum('file') },
    refused,
    records: one.records ? sumOfRecords(one.records, other.records ?? noRecords) : other.records,
  };
}

const noRecords: LogExportFigures = { sent: 0, refused: 0, expired: 0, overflow: 0, unsent: 0, queued: 0 };

/** What waited when a thread died was not sent. */
function sumOfRecords(one: LogExportFigures, other: LogExportFigures): LogExportFigures {
  const sum = { ...other };
  for (const outcome of ['sent', 'refused', 'expired', 'overflow', 'unsent'] as const)
    sum[outcome] += one[outcome];
  sum.unsent += one.queued;
  return sum;
}
