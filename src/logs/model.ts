import type { Attributes } from '@opentelemetry/api';
import { basename, dirname, join } from 'node:path';
import type { ListedContainer, LogFile } from '../model/containers.ts';
import type { Desk, Open } from './desk.ts';
import type { Counted, Counter, Stream } from './messages.ts';
import type { HostOpener } from './opener.ts';

/** Everybody whose logs are read, and what has been counted of them. */
export interface LogModel {
  /** Goes through all containers: who is new, who has another file, who has gone or does not want to be read any more. */
  look(): void;
  /** The same for one. */
  lookAt(container: ListedContainer): void;
  /** Follows a file that a container writes to itself; `path` is the label `source`. */
  followFile(container: ListedContainer, path: string, directory: string, open: Open): void;
  /** The group of a source of a container; undefined where it is not to be read. */
  groupOf(container: ListedContainer, source: string): string | undefined;
  take(counted: Counted | undefined): void;
  series(): Iterable<Series>;
  /** As told last. */
  readonly told: Pick<Counted, 'figures' | 'refused'> | undefined;
}

export interface Series {
  readonly labels: Attributes;
  readonly messages: number;
}

/** Label `source` of what containers write to their outputs. */
const outputs = 'stdout/stderr';
const noStreams: Pick<Streams, 'ids' | 'written'> = { ids: new Set(), written: new Set() };
const noFiles: readonly LogFile[] = [];

type Counting = { -readonly [Key in keyof Series]: Series[Key] };

interface Group {
  readonly container: ListedContainer;
  readonly source: string;
  readonly series: Map<number, Counting>;
}

/** Streams of one container. */
interface Streams {
  /** As the runtime told them last. */
  files: readonly LogFile[] | undefined;
  readonly ids: Set<string>;
  /** Of files that it writes to itself. */
  readonly written: Set<string>;
}

export interface LogModelDeps {
  readonly containers: { all(): Iterable<ListedContainer> };
  readonly desk: Pick<Desk, 'follow' | 'leave' | 'forget'>;
  /** Root directory of the host, as the agent sees it. */
  readonly root: string;
  readonly openHost: HostOpener;
}

export function logModel({ containers, desk, root, openHost }: LogModelDeps): LogModel {
  const groups = new Map<string, Group>();
  const groupsOf = new Map<ListedContainer, Set<string>>();
  const streamsOf = new Map<ListedContainer, Streams>();
  const seriesById = new Map<number, { messages: number }>();
  let told: Pick<Counted, 'figures' | 'refused'> | undefined;

  const wants = ({ switchedOff }: ListedContainer): boolean => switchedOff?.has('logs') !== true;
  const groupOf = (container: ListedContainer, source: string): string | undefined => {
    if (!wants(container)) return undefined;
    const name = `${container.id}\n${source}`;
    const known = groups.get(name);
    if (known?.container !== container) {
      groups.set(name, { container, source, series: known?.series ?? new Map<number, Counting>() });
      const own = groupsOf.get(container) ?? new Set();
      groupsOf.set(container, own.add(name));
    }
    return name;
  };
  const leaveWritten = (container: ListedContainer): void => {
    const { written } = streamsOf.get(container) ?? noStreams;
    for (const id of written) desk.leave(id);
    written.clear();
  };
  const lookAt = (container: ListedContainer): void => {
    if (!wants(container)) leaveWritten(container);
    const files = (wants(container) && container.logFiles) || noFiles;
    let own = streamsOf.get(container);
    if (own === undefined) {
      if (files.length === 0) return;
      streamsOf.set(container, (own = { files: undefined, ids: new Set(), written: new Set() }));
    }
    if (own.files === files) return;
    own.files = files;
    const wanted = new Set<string>();
    for (const { path, format } of files) {
      const group = groupOf(container, outputs);
      if (group === undefined) continue;
      const id = `${container.id}\n${path}`;
      wanted.add(id);
      if (own.ids.has(id)) continue;
      const stream: Stream = {
        ...{ id, group, kind: format, isNew: !container.wasThere },
        ...{ directory: root + dirname(path), name: basename(path) },
      };
      own.ids.add(id);
      desk.follow(stream, (name) => openHost(join(dirname(path), name)));
    }
    for (const id of own.ids)
      if (!wanted.has(id)) {
        own.ids.delete(id);
        desk.leave(id);
      }
  };
  const followFile: LogModel['followFile'] = (container, path, directory, open) => {
    const own = streamsOf.get(container) ?? { files: undefined, ids: new Set(), written: new Set() };
    const id = `${container.id}\n${path}`;
    const group = own.written.has(id) ? undefined : groupOf(container, path);
    if (group === undefined) return;
    streamsOf.set(container, own);
    own.written.add(id);
    const isNew = !container.wasThere;
    desk.follow({ id, group, kind: 'file', isNew, directory, name: basename(path) }, open);
  };
  const forget = (container: ListedContainer): void => {
    leaveWritten(container);
    for (const id of (streamsOf.get(container) ?? noStreams).ids) desk.leave(id);
    streamsOf.delete(container);
    for (const name of groupsOf.get(container) ?? []) {
      const group = groups.get(name);
      // Another one may have come in its place under its id.
      if (group?.container !== container) continue;
      groups.delete(name);
      for (const id of group.series.keys()) seriesById.delete(id);
      desk.forget(name);
    }
    groupsOf.delete(container);
  };
  const begin = ({ id, group: name, level, hash, sample }: Counter): void => {
    const group = groups.get(name);
    if (group === undefined) return;
    const { container, source, series } = group;
    const labels = { ...container.labels, level, pattern_hash: hash, sample, source };
    const made = { labels, messages: 0 };
    series.set(id, made);
    seriesById.set(id, made);
  };

  return {
    look() {
      const alive = new Set<ListedContainer>();
      for (const container of containers.all()) {
        alive.add(container);
        lookAt(container);
      }
      for (const container of new Set([...streamsOf.keys(), ...groupsOf.keys()]))
        if (!alive.has(container)) forget(container);
    },
    lookAt,
    followFile,
    groupOf,
    take(counted) {
      if (counted === undefined) return;
      counted.begun.forEach(begin);
      const { totals } = counted;
      for (let i = 0; i < totals.length; i += 2) {
        const series = seriesById.get(totals[i]!);
        if (series !== undefined) series.messages = totals[i + 1]!;
      }
      told = counted;
    },
    *series() {
      for (const { series, container } of groups.values()) {
        if (!container.visible || !wants(container)) continue;
        yield* series.values();
      }
    },
    get told() {
      return told;
    },
  };
}
