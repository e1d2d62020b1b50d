import type { Features } from '../features.ts';
import type { ListedContainer } from '../model/containers.ts';
import type { Addon } from '../native/addon.ts';
import { attribution, type Entry } from './attribution.ts';
import type { Desk } from './desk.ts';
import type { JournalEntry } from './journal-batch.ts';
import { followJournal, type FollowedJournal } from './journal.ts';
import type { Streams } from './streams.ts';
import { levelOfPriority } from './severity.ts';
import { units } from './units.ts';

/** Label `source`. */
const source = 'journald';
/** What waits for its container to be known is looked at so often. */
const retryEveryMs = 1000;

export interface JournalSource {
  /** Entries of no container. */
  readonly unattributed: number;
  /** Nothing is read any more. */
  close(): void;
}

/** The journal's entries on their way to the worker. The feature `journal` says whether there is one. */
export async function journalSource(deps: {
  addon: Addon;
  root: string;
  containers: { all(): Iterable<ListedContainer> };
  streams: Pick<Streams, 'groupOf'>;
  desk: Pick<Desk, 'take' | 'place'>;
  features: Features;
  nowMs: () => number;
}): Promise<JournalSource> {
  const { addon, root, containers, streams, desk, features, nowMs } = deps;
  const known = units(containers, nowMs);
  const { cursor, held } = await desk.place();
  const attributed = attribution({
    held,
    find: (id) => known.of(id),
    groupOf: (container) => streams.groupOf(container, source),
    nowMs,
  });
  let retry: NodeJS.Timeout | undefined;
  let isClosed = false;

  const pass = (entries: readonly Entry[], cursor: string | null): void => {
    const hasHeld = attributed.held.length > 0;
    const messages = attributed.take(entries);
    if (messages.length > 0 || cursor !== null || hasHeld)
      desk.take(messages, { cursor, held: attributed.held });
    retryLater();
  };
  const retryLater = (): void => {
    clearTimeout(retry);
    if (attributed.held.length > 0 && !isClosed)
      retry = setTimeout(() => pass([], null), retryEveryMs).unref();
  };
  retryLater();
  const followed: FollowedJournal = followJournal({
    addon,
    root,
    cursor,
    onEntries: (entries, cursor) => pass(entries.map(entryOf), cursor),
    onState(directory, failure) {
      if (failure !== undefined) features.fail('journal', failure);
      else if (directory === undefined) features.set('journal', false, 'no_journal');
      else features.set('journal', true);
    },
  });
  return {
    get unattributed() {
      return attributed.unattributed;
    },
    close() {
      isClosed = true;
      clearTimeout(retry);
      followed.close();
    },
  };
}

function entryOf({ cgroup, message, priority, timeMs }: JournalEntry): Entry {
  return { cgroup, text: message.toString('utf8'), level: levelOfPriority(priority), timeMs };
}
