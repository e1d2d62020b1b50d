import type { TcpReading } from '../kernel/tcp-program.ts';
import { endpointText } from '../model/address.ts';
import type { Container, ContainerDirectory } from '../model/containers.ts';
import { turns } from '../turns.ts';
import { listeningsOf, type Listening } from './reading.ts';

export interface ListenModelDeps {
  readonly directory: ContainerDirectory;
  /** Removes an entry from the kernel. */
  readonly take: (key: Uint8Array) => unknown;
  /** CLOCK_MONOTONIC in nanoseconds. */
  readonly nowNs: () => number;
  readonly maxEntries?: number;
}

/** Who listens on an address, or did not long ago. */
export interface Listen {
  readonly container: Container;
  /** `sockets` is 0 once it is closed. */
  readonly latest: Listening;
  /** The address that is listened on, as it is. */
  readonly bound: string;
  /** Drops since it is known, which never fall; undefined while no source has told. */
  readonly drops: number | undefined;
}

export interface ListenModel {
  /** Takes in a reading, in slices between which the event loop turns. */
  update(reading: Pick<TcpReading, 'listens' | 'walk'>): Promise<void>;
  /** Open ones first, otherwise in the order in which they were seen first. */
  byContainer(): ReadonlyMap<Container, readonly Listen[]>;
  /** Those of the last reading that found no room. */
  refused(): number;
}

/** What is closed is shown for so long. */
const rememberedNs = 10 * 60 * 1e9;
/** Entries taken from the kernel in one update; the others wait for the next. */
const takenAtOnce = 2048;

interface Entry {
  latest: Listening;
  container: Container | undefined;
  readonly bound: string;
  drops: number | undefined;
  /** What its sockets said last; some of them may have gone since. */
  toldDrops: number;
  update: number;
}

/** Bounded by `maxEntries`: sources forget what is closed, or keep it for ever. */
export function listenModel(deps: ListenModelDeps): ListenModel {
  const { directory, take, nowNs, maxEntries = 16_384 } = deps;
  const entries = new Map<string, Entry>();
  let updates = 0;
  let refused = 0;

  const takeIn = (listening: Listening): void => {
    const key = listening.key.toString('latin1');
    let entry = entries.get(key);
    if (entry === undefined) {
      if (entries.size >= maxEntries) {
        refused++;
        return;
      }
      const bound = endpointText(listening.address, listening.port);
      entry = {
        latest: listening,
        container: undefined,
        bound,
        drops: undefined,
        toldDrops: 0,
        update: updates,
      };
      entries.set(key, entry);
    }
    // Two sources may tell of the same: what one found open is open.
    if (entry.update === updates && entry.latest.sockets > listening.sockets) return;
    const lastNs = Math.max(entry.latest.lastNs, listening.lastNs);
    entry.latest = { ...listening, lastNs };
    entry.update = updates;
    grow(entry, listening);
  };

  return {
    async update(reading) {
      const turn = turns();
      const forgottenNs = nowNs() - rememberedNs;
      let taken = 0;
      updates++;
      refused = 0;
      for (const listening of listeningsOf(reading)) {
        await turn();
        const isOver = listening.sockets === 0 && listening.lastNs < forgottenNs;
        if (!isOver) takeIn(listening);
        // Who listens there again is found again.
        else if (taken++ < takenAtOnce) take(listening.key);
      }
      for (const [key, entry] of entries) {
        await turn();
        if (entry.update !== updates) close(entry);
        entry.container =
          directory.byCgroup(entry.latest.cgroupId) ?? entry.container?.successor ?? entry.container;
        if (entry.latest.sockets === 0 && entry.latest.lastNs < forgottenNs) entries.delete(key);
      }
    },
    byContainer() {
      const found = new Map<Container, Listen[]>();
      for (const isOpen of [true, false]) {
        for (const { container, latest, bound, drops } of entries.values()) {
          if (container === undefined || latest.sockets > 0 !== isOpen) continue;
          const listens = found.get(container) ?? [];
          listens.push({ container, latest, bound, drops });
          found.set(container, listens);
        }
      }
      return found;
    },
    refused: () => refused,
  };
}

function close(entry: Entry): void {
  entry.latest = { ...entry.latest, sockets: 0, queue: 0, limit: undefined, drops: undefined };
  entry.toldDrops = 0;
}

/** Where one of several sockets has gone, its drops are missing in the sum: less than before is no news. */
function grow(entry: Entry, { sockets, drops }: Listening): void {
  if (sockets === 0) entry.toldDrops = 0;
  if (drops === undefined) return;
  entry.drops = (entry.drops ?? 0) + Math.max(drops - entry.toldDrops, 0);
  entry.toldDrops = drops;
}
