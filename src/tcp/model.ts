import type { TcpReading } from '../kernel/tcp-program.ts';
import type { Container, ContainerDirectory } from '../model/containers.ts';
import { decodeCounts, decodeKey, entriesOf, failures } from './reading.ts';
import type { TcpCounts, TcpKey, TcpSubject } from './reading.ts';
import { addTo, restart, retireInto, seriesTable, type Series } from './series.ts';
import { turns } from '../turns.ts';

export interface TcpModelDeps {
  readonly directory: ContainerDirectory;
  /** Says whether connections to a 16-byte address count. */
  readonly keeps: (address: Uint8Array) => boolean;
  /** Removes an entry from the kernel and answers its last value, null when it is not there. */
  readonly take: (map: TcpKey['map'], key: Uint8Array) => Buffer | null;
  /** CLOCK_MONOTONIC in nanoseconds. */
  readonly nowNs: () => number;
}

export interface TcpModel {
  /** Takes in a reading, in slices between which the event loop turns; until it is done the series are half sums. */
  update(reading: TcpReading): Promise<void>;
  series(): Iterable<Series>;
  /** Entries of the last reading whose cgroup belongs to no container. */
  withoutContainer(): number;
}

/** A destination without open connections and attempts for this long is forgotten. */
const idleNs = 10 * 60 * 1e9;
/** Entries taken from the kernel in one update; the others wait for the next. */
const takenAtOnce = 2048;

interface Entry extends TcpSubject {
  readonly kept: boolean;
  /** Last answer of the directory, which forgets cgroups that are gone. */
  container: Container | undefined;
  update: number;
}

/** The series of all containers. Bounded by the kernel maps and by the ten minutes that they are remembered. */
export function tcpModel(deps: TcpModelDeps): TcpModel {
  const entries = new Map<string, Entry>();
  const table = seriesTable();
  let updates = 0;
  let withoutContainer = 0;

  const entryOf = (key: TcpKey): Entry => {
    const text = textOf(key);
    let entry = entries.get(text);
    if (entry === undefined) {
      const target = decodeKey(key);
      const { inbound, address, actualAddress } = target;
      const kept =
        inbound || address === undefined || deps.keeps(address) || deps.keeps(actualAddress ?? address);
      entry = { ...target, kept, container: undefined, update: updates };
      entries.set(text, entry);
    }
    entry.container =
      deps.directory.byCgroup(entry.cgroupId) ?? entry.container?.successor ?? entry.container;
    entry.update = updates;
    return entry;
  };

  /** An idle entry waits to be taken: it belongs to its series while that lives, but makes none. */
  const seriesOf = (entry: Entry, idle: boolean): Series | undefined => {
    const { kept, container } = entry;
    if (!kept || container === undefined || (idle && !table.has(container, entry))) return undefined;
    const series = table.of(container, entry);
    series.address = entry.actualAddress;
    return series;
  };

  /** The value that is taken may be newer than the reading. Kept in the series, nothing is lost either way. */
  const retire = (key: TcpKey, reading: TcpReading, idleSinceNs: number): void => {
    const entry = entryOf(key);
    entries.delete(textOf(key));
    const value = deps.take(key.map, key.bytes);
    if (value === null) return;
    const counts = decodeCounts(value, reading.walk);
    const series = seriesOf(entry, isIdle(counts, idleSinceNs));
    if (series !== undefined) retireInto(series, counts);
  };

  const update = async (reading: TcpReading): Promise<void> => {
    updates++;
    const idleSinceNs = deps.nowNs() - idleNs;
    const idleKeys: TcpKey[] = [];
    const turn = turns();
    withoutContainer = 0;
    table.rename();
    for (const series of table.all()) {
      restart(series);
      await turn();
    }
    for (const { key, counts } of entriesOf(reading)) {
      await turn();
      const entry = entryOf(key);
      const counted = counts.totals.successful + failures(counts.totals) + counts.active > 0;
      if (entry.kept && entry.container === undefined && counted) withoutContainer++;
      const idle = isIdle(counts, idleSinceNs);
      const series = seriesOf(entry, idle);
      if (series !== undefined) addTo(series, counts);
      if (!idle || entry.cgroupId === 0) continue;
      if (idleKeys.length < takenAtOnce) idleKeys.push(key);
      else if (series !== undefined) series.waiting = true;
    }
    for (const key of idleKeys) {
      retire(key, reading, idleSinceNs);
      await turn();
    }
    for (const [text, entry] of entries) {
      if (entry.update !== updates) entries.delete(text);
      await turn();
    }
    table.forgetIdle(idleSinceNs);
  };

  return { update, series: () => table.all(), withoutContainer: () => withoutContainer };
}

function isIdle(counts: TcpCounts, sinceNs: number): boolean {
  return counts.active === 0 && counts.lastNs < sinceNs;
}

function textOf({ map, bytes }: TcpKey): string {
  return map + bytes.toString('latin1');
}
