import type { Clock } from '../host/clock.ts';
import { changes } from './counters.ts';
import { group, type Group } from './group.ts';
import masks from '../../config/log-masks.json' with { type: 'json' };
import { masker } from './mask.ts';
import type { Counted, LogSettings } from './messages.ts';
import type { Emit } from './records.ts';
import { room, shares } from './room.ts';

/** Samples of all of them together. */
const sampleRoomBytes = 64 << 20;
/** Of one container. */
const shareOfRoom = 1 / 8;

export interface Groups {
  /** A new one is made where there is none of this name. */
  of(name: string): Group;
  /** The next one of this name is another one. Answers a function that ends the one that is forgotten, which counts until then. */
  forget(name: string): () => void;
  /** What has changed since the last time. */
  take(): Pick<Counted, 'begun' | 'totals'>;
  /** Messages whose pattern is not told, of those that are forgotten too. */
  readonly refused: number;
}

export interface GroupsOptions {
  readonly roomBytes?: number;
  /** Whether there is time for patterns. */
  readonly hasTime?: () => boolean;
  /** Sends on what the group of this name counts. */
  readonly emitterOf?: ((name: string, mask: (text: string) => string) => Emit) | undefined;
}

export function groups(
  settings: LogSettings,
  clock: Clock,
  { roomBytes = sampleRoomBytes, hasTime = () => true, emitterOf }: GroupsOptions = {},
): Groups {
  const all = new Map<string, Group>();
  const told = changes();
  const mask = settings.masks ? masker(masks) : (text: string): string => text;
  const shared = {
    settings,
    mask,
    clock,
    hasTime,
    room: room(roomBytes),
    onCount: (group: Group) => told.onCount(group),
  };
  const roomOf = shares(room(roomBytes), roomBytes * shareOfRoom);
  const forgotten = new Set<Group>();
  let refusedOfForgotten = 0;

  return {
    of(name) {
      let found = all.get(name);
      if (found === undefined) {
        const own = { room: roomOf(name.split('\n', 1)[0]!), emit: emitterOf?.(name, mask) };
        all.set(name, (found = group(name, { ...shared, ...own })));
      }
      return found;
    },
    forget(name) {
      const found = all.get(name);
      if (found === undefined) return () => {};
      all.delete(name);
      forgotten.add(found);
      return () => {
        forgotten.delete(found);
        told.forget(found);
        refusedOfForgotten += found.refused;
        found.close();
      };
    },
    take: () => told.take(),
    get refused() {
      let sum = refusedOfForgotten;
      for (const one of [all.values(), forgotten]) for (const { refused } of one) sum += refused;
      return sum;
    },
  };
}
