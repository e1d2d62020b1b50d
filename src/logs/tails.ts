import { watch, type FSWatcher } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock, type Clock } from '../host/clock.ts';
import { noFigures, type Followed, type Position, type TailFigures } from './followed.ts';
import { limiter } from './limiter.ts';
import { namesIn, type Names } from './names.ts';
import { tail, type Tail } from './tail.ts';

export interface TailsOptions {
  /** Positions of before; asked once for each that is added. */
  readonly stored?: (id: string) => Position | undefined;
  readonly clock?: Clock;
  /** How often a file that is written to is read. */
  readonly readEveryMs?: number;
  /** How often the path of such a file is looked at. */
  readonly lookEveryMs?: number;
  /** Names in a directory that have been changed less long ago may have been changed again unseen. */
  readonly namesTellAfterMs?: number;
  /** After so long without a byte inotify takes over. */
  readonly quietMs?: number;
  /** How often is looked where inotify does not work, or no file is. */
  readonly pollEveryMs?: number;
  /** How often is looked where inotify should have told. */
  readonly checkEveryMs?: number;
  readonly graceMs?: number;
  /** What one file may read before others have their turn. */
  readonly turnBytes?: number;
  /** How long is read before the event loop has its turn. */
  readonly sliceMs?: number;
  /** How long reading is to wait after a slice, milliseconds; asked after each. */
  readonly waitMs?: () => number;
  readonly maxFiles?: number;
  /** More descriptors are not kept; the file that has been quiet for longest is closed, and found again by its position. */
  readonly maxOpen?: number;
}

export interface TailsFigures extends Readonly<TailFigures> {
  readonly files: number;
  /** In all of them, as far as is known. */
  readonly unreadBytes: number;
  readonly openFiles: number;
  readonly watchedFiles: number;
  /** What was not followed since there were too many. */
  readonly refusedAdds: number;
  /** Watches that the kernel did not give; their files are polled. */
  readonly failedWatches: number;
}

export interface Tails {
  /** False when there are too many, or the id is there already. */
  add(followed: Followed): boolean;
  /** Reads to the end, then forgets. */
  remove(id: string): Promise<void>;
  figures(): TailsFigures;
  /** Of what has been committed. */
  positions(): Iterable<readonly [id: string, position: Position]>;
  /** Reads what is there, once. Positions are still told afterwards. */
  close(): Promise<void>;
}

interface Entry {
  readonly followed: Followed;
  readonly tail: Tail;
  timer?: NodeJS.Timeout | undefined;
  watcher?: FSWatcher | undefined;
  watchedIdentity?: object | undefined;
  /** No watch could be had: polled. */
  isUnwatchable: boolean;
  lastHeardMs: number;
  lastLookMs: number;
  /** When it was last seen that no look is needed. */
  lastSkipMs: number;
  /** Of its directory, while it is written to; null where they do not tell. */
  names: Names | null | undefined;
  /** Pending or running look. */
  looking: Promise<void>;
  /** Between the beginning of a visit and its end. */
  isBusy: boolean;
  /** Something was heard meanwhile. */
  isCalled: boolean;
  isLeaving: boolean;
}

const pieceBytes = 64 * 1024;
const looksAtOnce = 16;
/** What is not read by then is read from its position the next time. */
const closeWithinMs = 1500;

/** Reads all followed files, in turns, in this thread. A visit is a look, or none, and a turn of reading. */
export function tails({
  stored = () => undefined,
  clock = systemClock,
  readEveryMs = 150,
  lookEveryMs = 2000,
  namesTellAfterMs,
  quietMs = 3000,
  pollEveryMs = 1000,
  checkEveryMs = 30_000,
  graceMs = 5000,
  turnBytes = 1 << 20,
  sliceMs = 20,
  waitMs = () => 0,
  maxFiles = 10_000,
  maxOpen = 1000,
}: TailsOptions = {}): Tails {
  const entries = new Map<string, Entry>();
  /** Those with a descriptor; the one that was heard of last comes last. */
  const open = new Set<Entry>();
  const queue: Entry[] = [];
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  const looks = limiter(looksAtOnce);
  const figures = noFigures();
  let refusedAdds = 0;
  let failedWatches = 0;
  let watchedFiles = 0;
  let openNames = 0;
  let isReading = false;
  let isClosing = false;

  const lookAt = (entry: Entry): Promise<void> => {
    entry.lastLookMs = clock.monotonic();
    entry.looking = looks(async () => {
      await mark(entry).catch(() => unmark(entry));
      await entry.tail.look();
    });
    return entry.looking;
  };
  /** What changes from now on is found by the names. */
  const mark = async (entry: Entry): Promise<void> => {
    const { directory } = entry.followed;
    // A file that is looked at for the first time may be one of many that nobody writes to.
    if (directory === undefined || !entry.tail.isOpen || entry.isLeaving) return;
    if (entry.names === undefined && openNames < maxOpen) {
      openNames++;
      entry.names = (await namesIn(directory, undefined, namesTellAfterMs)) ?? null;
    }
    entry.names?.mark();
  };
  const unmark = (entry: Entry): void => {
    if (entry.names === undefined) return;
    openNames--;
    entry.names?.close();
    entry.names = undefined;
  };
  /** Of a file that is written to. */
  const isLookDue = (entry: Entry): boolean => {
    const nowMs = clock.monotonic();
    if (nowMs - Math.max(entry.lastLookMs, entry.lastSkipMs) < lookEveryMs) return false;
    const isSame =
      nowMs - entry.lastLookMs < checkEveryMs && entry.tail.isSettled && entry.names?.areAsMarked() === true;
    if (isSame) entry.lastSkipMs = nowMs;
    return !isSame;
  };

  const visit = (entry: Entry, withLook: boolean): void => {
    if (entry.isLeaving) return;
    if (entry.isBusy) {
      entry.isCalled = true;
      return;
    }
    entry.isBusy = true;
    clearTimeout(entry.timer);
    if (withLook || !entry.tail.isOpen) void lookAt(entry).then(() => enqueue(entry));
    else enqueue(entry);
  };

  const enqueue = (entry: Entry): void => {
    queue.push(entry);
    if (isReading) return;
    isReading = true;
    readLater();
  };

  const readSlice = (): void => {
    const endMs = clock.monotonic() + sliceMs;
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
      if (!entry.isLeaving) {
        if (readTurn(entry, endMs)) queue.push(entry);
        else settle(entry);
      }
      if (clock.monotonic() >= endMs) break;
    }
    isReading = queue.length > 0;
    if (isReading) readLater();
  };
  const readLater = (): void => {
    const ms = waitMs();
    if (ms === 0) setImmediate(readSlice);
    else setTimeout(readSlice, ms).unref();
  };

  /** Whether there may be more. */
  const readTurn = (entry: Entry, endMs: number): boolean => {
    for (let left = turnBytes; left > 0;) {
      const bytes = entry.tail.read(left < pieceBytes ? piece.subarray(0, left) : piece);
      if (bytes === 0) return false;
      entry.lastHeardMs = clock.monotonic();
      left -= bytes;
      if (entry.lastHeardMs >= endMs) break;
    }
    return true;
  };

  /** Decides when the entry is visited next. */
  const settle = (entry: Entry): void => {
    entry.isBusy = false;
    keep(entry);
    if (entry.isCalled) {
      entry.isCalled = false;
      return visit(entry, true);
    }
    const nowMs = clock.monotonic();
    const isQuiet = nowMs - entry.lastHeardMs >= quietMs;
    if (!isQuiet) {
      unwatch(entry);
      entry.timer = setTimeout(() => visit(entry, isLookDue(entry)), readEveryMs);
      return;
    }
    unmark(entry);
    if (!isWatchable(entry)) {
      unwatch(entry);
      // A file that has been missing for long is nobody's hurry: what comes in its place is read from its beginning.
      const missingMs = entry.tail.isOpen ? 0 : (nowMs - entry.lastHeardMs) / 4;
      const waitMs = Math.min(Math.max(pollEveryMs, missingMs), checkEveryMs);
      entry.timer = setTimeout(() => visit(entry, true), waitMs);
    } else if (entry.watcher !== undefined) {
      entry.timer = setTimeout(() => visit(entry, true), checkEveryMs);
    } else {
      arm(entry);
      // What came between the last read and the watch has woken nobody.
      visit(entry, true);
    }
  };

  /** A parked file stays watched. */
  const isWatchable = ({ followed, tail, watcher, watchedIdentity, isUnwatchable }: Entry): boolean => {
    if (followed.directory === undefined || isUnwatchable || !tail.isSettled) return false;
    return watcher === undefined ? tail.isOpen : watchedIdentity === tail.identity;
  };

  const arm = (entry: Entry): void => {
    try {
      // The descriptor and not the path: in a directory of many files those that are written to would tell of nothing else.
      const watcher = watch(`/proc/self/fd/${entry.tail.descriptor}`, { persistent: false });
      const heard = (): void => {
        if (entry.watcher !== watcher) return;
        unwatch(entry);
        entry.lastHeardMs = clock.monotonic();
        visit(entry, true);
      };
      watcher.on('change', heard).on('error', heard);
      entry.watcher = watcher;
      entry.watchedIdentity = entry.tail.identity;
      watchedFiles++;
    } catch {
      entry.isUnwatchable = true;
      failedWatches++;
    }
  };
  const unwatch = (entry: Entry): void => {
    if (entry.watcher === undefined) return;
    entry.watcher.close();
    entry.watcher = undefined;
    watchedFiles--;
  };

  /** Keeps the number of descriptors within its bound. */
  const keep = (entry: Entry): void => {
    open.delete(entry);
    if (entry.tail.isOpen) open.add(entry);
    for (const other of open) {
      if (open.size <= maxOpen) return;
      if (!other.isBusy && other.tail.park()) open.delete(other);
    }
  };

  /** Takes the entry out of the turns, and reads what is there now. */
  const leave = async (entry: Entry, isEnd: boolean, untilMs = Infinity): Promise<void> => {
    entry.isLeaving = true;
    clearTimeout(entry.timer);
    unwatch(entry);
    await entry.looking;
    unmark(entry);
    await lookAt(entry);
    let endMs = clock.monotonic() + sliceMs;
    for (let left = entry.tail.unreadBytes; left > 0 && clock.monotonic() < untilMs;) {
      const bytes = entry.tail.read(piece);
      if (bytes === 0) break;
      left -= bytes;
      if (clock.monotonic() < endMs) continue;
      await nextTurn();
      endMs = clock.monotonic() + sliceMs;
    }
    entry.tail.close(isEnd);
    open.delete(entry);
  };

  return {
    add(followed) {
      if (isClosing || entries.has(followed.id)) return false;
      if (entries.size >= maxFiles) {
        refusedAdds++;
        return false;
      }
      const position = stored(followed.id);
      const entry: Entry = {
        followed,
        tail: tail(followed, { clock, figures, graceMs, ...(position === undefined ? {} : { position }) }),
        isUnwatchable: false,
        lastHeardMs: clock.monotonic(),
        lastLookMs: -Infinity,
        lastSkipMs: -Infinity,
        names: undefined,
        looking: Promise.resolve(),
        isBusy: false,
        isCalled: false,
        isLeaving: false,
      };
      entries.set(followed.id, entry);
      visit(entry, true);
      return true;
    },
    async remove(id) {
      const entry = entries.get(id);
      if (entry === undefined) return;
      entries.delete(id);
      await leave(entry, true);
    },
    figures: () => ({
      ...figures,
      files: entries.size,
      unreadBytes: [...entries.values()].reduce((sum, { tail }) => sum + tail.unreadBytes, 0),
      openFiles: open.size,
      watchedFiles,
      refusedAdds,
      failedWatches,
    }),
    *positions() {
      for (const [id, { tail }] of entries) {
        const position = tail.position();
        if (position !== undefined) yield [id, position];
      }
    },
    async close() {
      isClosing = true;
      const untilMs = clock.monotonic() + closeWithinMs;
      await Promise.all([...entries.values()].map((entry) => leave(entry, false, untilMs)));
    },
  };
}
