import type { ListedContainer } from '../model/containers.ts';
import { levels, type Level } from './level.ts';
import type { JournalMessage } from './messages.ts';
import { unitId } from './units.ts';

/** An entry of the journal, as far as it matters here. */
export interface Entry {
  /** `_SYSTEMD_CGROUP`; empty for the kernel's. */
  readonly cgroup: string;
  readonly text: string;
  readonly level: Level;
  readonly timeMs: number;
}

/** A unit may write before anybody has told of it. */
const patienceMs = 5000;
const [maxHeld, maxHeldLength] = [4096, 2 << 20];
/** After so long a unit that was nobody's may be somebody's. */
const forgetMs = 60_000;
const maxNobodies = 4096;

/** Whether it is an entry that may have been held, of what has been stored. */
export function isHeldEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { cgroup, text, level, timeMs } = value as Partial<Record<keyof Entry, unknown>>;
  return (
    typeof cgroup === 'string' &&
    typeof text === 'string' &&
    text.length <= maxHeldLength &&
    levels.some((one) => one === level) &&
    typeof timeMs === 'number'
  );
}

export interface Attribution {
  /** The messages whose container is known by now, in order for each of them. */
  take(entries: readonly Entry[]): JournalMessage[];
  /** Entries of no container. */
  readonly unattributed: number;
  /** Entries that wait for their container to be known. */
  readonly held: readonly Entry[];
}

/** `groupOf`: undefined for a container whose journal is not to be read, which is its own choice. */
export function attribution(deps: {
  find: (id: string) => ListedContainer | undefined;
  groupOf: (container: ListedContainer) => string | undefined;
  nowMs: () => number;
  /** Those that waited when the agent ended: they wait anew. */
  held?: readonly Entry[];
}): Attribution {
  const { find, groupOf, nowMs } = deps;
  /** Units that nobody is known for, since when. */
  const nobodies = new Map<string, number>();
  let held: { readonly id: string; readonly entry: Entry }[] = (deps.held ?? []).flatMap((entry) => {
    const id = unitId(entry.cgroup);
    return id === undefined ? [] : [{ id, entry }];
  });
  let unattributed = 0;

  const isHopeless = (id: string): boolean => {
    const sinceMs = nobodies.get(id);
    if (sinceMs !== undefined && nowMs() - sinceMs < forgetMs) return nowMs() - sinceMs >= patienceMs;
    if (nobodies.size >= maxNobodies) nobodies.clear();
    nobodies.set(id, nowMs());
    return false;
  };

  return {
    take(entries) {
      const messages: JournalMessage[] = [];
      const kept: typeof held = [];
      let length = 0;
      const attribute = (id: string, entry: Entry): void => {
        const container = find(id);
        if (container !== undefined) {
          nobodies.delete(id);
          const group = groupOf(container);
          if (group !== undefined) {
            const { text, level, timeMs } = entry;
            messages.push({ group, text, level, timeMs });
          }
        } else if (isHopeless(id) || kept.length >= maxHeld || length + entry.text.length > maxHeldLength)
          unattributed++;
        else {
          length += entry.text.length;
          kept.push({ id, entry });
        }
      };
      for (const { id, entry } of held) attribute(id, entry);
      for (const entry of entries) {
        const id = unitId(entry.cgroup);
        if (id === undefined) unattributed++;
        else attribute(id, entry);
      }
      held = kept;
      return messages;
    },
    get unattributed() {
      return unattributed;
    },
    get held() {
      return held.map(({ entry }) => entry);
    },
  };
}
