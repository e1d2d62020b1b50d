import { fstatSync, type BigIntStats } from 'node:fs';
import type { Clock } from '../host/clock.ts';
import { confirmed, noFingerprint } from './fingerprint.ts';
import type { Followed, Position, TailFigures } from './followed.ts';
import { lines } from './lines.ts';
import { closeQuietly, openedBy, type NotOpened, type Opened } from './opened.ts';
import { statOf } from './open-file.ts';
import { runs } from './runs.ts';
import { changedNs, filesAfter, siblingOf } from './siblings.ts';
import { closeSource, endOf, readNext, restart, sourceAt, type Identity, type Source } from './source.ts';

/** Rotated files that are still looked at, and such that are known to have been read. */
const maxLate = 4;
const maxDone = 16;
/** A fingerprint of so many bytes tells a file even where its device has another number after a reboot. */
const tellingBytes = 64;

export interface TailOptions {
  readonly clock: Clock;
  readonly figures: TailFigures;
  /** So long a file is read on that has been rotated or removed, since its writer may not know yet. */
  readonly graceMs: number;
  /** Where reading goes on. */
  readonly position?: Position;
}

/** One followed file through its rotations. `look` and `read` must not overlap. */
export interface Tail {
  /** Compares what is open with what is there now. Never rejects. */
  look(): Promise<void>;
  /** Reads at most `into`, gives the lines in it; answers the bytes, 0 when there are no more. Throws only what `onLine` does. */
  read(into: Buffer): number;
  /** As far as is known. */
  readonly unreadBytes: number;
  /** Of what has been committed; undefined before the first file. Also after `close`. */
  position(): Position | undefined;
  /** The file that is read, to be watched. */
  readonly descriptor: number | undefined;
  readonly isOpen: boolean;
  /** The same object as long as it is the same file, also while that is parked. */
  readonly identity: object | undefined;
  /** Whether the file at the path is the only one that is read, as far as the last look could tell. */
  readonly isSettled: boolean;
  /** Closes the descriptor until the next look, if nothing hangs on it. */
  park(): boolean;
  /** Closes all descriptors, for good; with `isEnd` a line without a newline is given first. */
  close(isEnd: boolean): void;
}

/** File at the path → `next`, until what was there before is read to its end → `main` → `late`, for the grace → closed. */
export function tail(followed: Followed, { clock, figures, graceMs, position }: TailOptions): Tail {
  const places = runs();
  let logical = 0;
  let main: Source | undefined;
  let next: Source[] = [];
  let late: { readonly source: Source; untilMs: number }[] = [];
  let done: Identity[] = [];
  /** Whose bytes the last run is made of. */
  let running: Identity | undefined;
  /** There was none: the next file is new. */
  let isBornLater = false;
  /** Since when the open file is not the one at the path. */
  let goneMs: number | undefined;
  let namesNs: bigint | undefined;
  let lastReadMs = -Infinity;
  let lastRefusal: NotOpened | undefined;
  let isClosed = false;

  const lineReader = () =>
    lines(
      (line, end) => followed.onLine(line, end),
      (bytes) => {
        figures.cutBytes += bytes;
        figures.cutLines++;
      },
    );
  const sourceOf = ({ fd, stat }: Opened, offset: number): Source => {
    const fingerprint = readable(() => confirmed(fd, noFingerprint)) ?? noFingerprint;
    const identity = { device: String(stat.dev), inode: String(stat.ino), fingerprint };
    return sourceAt(fd, identity, offset, lineReader());
  };
  const setMain = (source: Source | undefined): void => {
    main = source;
    goneMs = undefined;
    if (source === undefined) isBornLater = true;
    else run(source);
  };
  const run = (source: Source): void => {
    running = source.identity;
    if (source === main || main === undefined) places.begin(logical, running, source.offset, false);
    // Late lines have no place of their own: after a restart reading goes on where the newer file was at the time.
    else places.begin(logical, main.identity, main.offset - main.lines.heldBytes, true);
  };
  /** Gives a line without a newline; one is thought behind it, so that the place behind the line is no place within another one. */
  const flush = (source: Source): void => {
    if (source.lines.heldBytes === 0) return;
    const start = logical++;
    const at = main ?? source;
    places.begin(start, at.identity, at.offset - (at === source ? 0 : at.lines.heldBytes), true);
    running = undefined;
    source.lines.end(logical);
  };
  const finish = (source: Source): void => {
    flush(source);
    closeSource(source);
  };
  const remember = (identity: Identity): void => {
    done = [...done.slice(1 - maxDone), identity];
  };

  if (position !== undefined) {
    const { device, inode, fingerprint, offset } = position;
    setMain(sourceAt(undefined, { device, inode, fingerprint }, offset, lineReader()));
  }

  const isSame = ({ stat }: Opened, { device, inode, fingerprint }: Identity): boolean =>
    String(stat.ino) === inode &&
    (String(stat.dev) === device || Number.parseInt(fingerprint, 10) >= tellingBytes);

  /** What has been put in the place of the open file; undefined: it has been renamed, and nothing is there. */
  const chain = async (old: BigIntStats, there: Opened | undefined): Promise<void> => {
    const isDone = (file: Opened): boolean =>
      done.some((one) => isSame(file, one) && confirmed(file.fd, one.fingerprint) !== undefined);
    const files = await filesAfter(followed, old, there, isDone);
    if (isClosed) return files.forEach(({ fd }) => closeQuietly(fd));
    next = files.map((file) => sourceOf(file, 0));
    figures.rotations += files.length;
  };

  /** Looks for the file of a source whose descriptor is closed. */
  const findAgain = async (source: Source, there: Opened | undefined): Promise<void> => {
    const { identity } = source;
    const isThere = there !== undefined && isSame(there, identity);
    const back = isThere ? there : await siblingOf(followed, identity.inode);
    if (isClosed) return [back, there].forEach((file) => file !== undefined && closeQuietly(file.fd));
    const fingerprint =
      back === undefined ? undefined : readable(() => confirmed(back.fd, identity.fingerprint));
    if (back !== undefined && (isThere || fingerprint !== undefined)) {
      source.fd = back.fd;
      if (fingerprint === undefined || back.stat.size < source.offset) {
        if (there !== undefined && !isThere) closeQuietly(there.fd);
        return truncated(source, true);
      }
      source.identity.fingerprint = fingerprint;
      if (there !== undefined && !isThere) await chain(back.stat, there);
      return;
    }
    if (back !== undefined) closeQuietly(back.fd);
    figures.vanishedFiles++;
    finish(source);
    setMain(there === undefined ? undefined : sourceOf(there, 0));
  };

  /** Whether names in the directory have changed since this was asked last. */
  const isNews = async (): Promise<boolean> => {
    const before = namesNs;
    namesNs = await changedNs(followed);
    return namesNs !== before;
  };

  const compare = async (source: Source, there: Opened | undefined): Promise<void> => {
    if (there !== undefined && isSame(there, source.identity)) {
      goneMs = undefined;
      return closeQuietly(there.fd);
    }
    goneMs ??= clock.monotonic();
    const isQuiet = clock.monotonic() - Math.max(goneMs, lastReadMs) >= graceMs;
    const old = await statOf(source.fd!).catch(() => undefined);
    if (old === undefined) return there && closeQuietly(there.fd);
    source.isLinked = old.nlink > 0n;
    if (there === undefined) {
      if (source.isLinked) return (await isNews()) ? chain(old, undefined) : undefined;
      if (!isQuiet) return;
      finish(source);
      return setMain(undefined);
    }
    // Who writes has not begun with the new file.
    if (there.stat.size === 0n && source.isLinked && !isQuiet) return closeQuietly(there.fd);
    await chain(old, there);
  };

  const truncated = (source: Source, isUnknown = false): void => {
    flush(source);
    const bytes = restart(source);
    figures.truncations++;
    figures.destroyedBytes += bytes;
    if (bytes > 0 || isUnknown) figures.destroyedSpans++;
    running = undefined;
  };

  /** Reads and gives the next bytes of one file; 0: no more. */
  const take = (source: Source, into: Buffer): number => {
    let bytes: number | undefined;
    try {
      bytes = readNext(source, into);
      if (bytes === undefined) {
        truncated(source);
        // Once: what is truncated again has its turn the next time.
        bytes = readNext(source, into) ?? 0;
      }
    } catch {
      // It is looked for again, from where it was.
      figures.failures++;
      closeSource(source);
      return 0;
    }
    if (bytes === 0) return 0;
    lastReadMs = clock.monotonic();
    figures.readBytes += bytes;
    if (running !== source.identity) run(source);
    const start = logical;
    let from = 0;
    if (source.skipsHole) {
      while (from < bytes && into[from] === 0) from++;
      source.skipsHole = from === bytes;
    }
    logical += bytes;
    source.offset += bytes;
    source.lines.add(into.subarray(from, bytes), start + from);
    return bytes;
  };

  const advance = (source: Source): void => {
    remember(source.identity);
    if (source.fd === undefined) figures.vanishedFiles++;
    late.push({ source, untilMs: clock.monotonic() + graceMs });
    if (late.length > maxLate) finish(late.shift()!.source);
    setMain(next.shift());
  };
  const takeLate = (into: Buffer): number => {
    for (const one of late) {
      const bytes = one.source.fd === undefined ? 0 : take(one.source, into);
      if (bytes > 0) {
        one.untilMs = clock.monotonic() + graceMs;
        return bytes;
      }
      if (clock.monotonic() < one.untilMs && one.source.fd !== undefined) continue;
      finish(one.source);
      late = late.filter((other) => other !== one);
    }
    return 0;
  };

  const look = async (): Promise<void> => {
    const found = await openedBy(() => followed.open());
    if (isClosed) {
      if (typeof found === 'object') closeQuietly(found.fd);
      return;
    }
    const refusal = typeof found === 'string' ? found : undefined;
    if (refusal !== lastRefusal && refusal === 'refused') figures.refusedFiles++;
    if (refusal !== lastRefusal && refusal === 'failed') figures.failures++;
    lastRefusal = refusal;
    if (found === 'failed') return;
    const there = typeof found === 'string' ? undefined : found;
    if (main !== undefined) {
      if (main.fd === undefined) await findAgain(main, there);
      else await compare(main, there);
    } else if (there === undefined) {
      isBornLater = true;
    } else {
      const start = followed.fromStart || isBornLater ? 0 : readable(() => endOf(there.fd));
      if (start === undefined) {
        figures.failures++;
        return closeQuietly(there.fd);
      }
      setMain(sourceOf(there, start));
    }
  };

  const isSettled = (): boolean =>
    main !== undefined &&
    lastRefusal === undefined &&
    goneMs === undefined &&
    next.length === 0 &&
    late.length === 0;

  return {
    async look() {
      if (isClosed || next.length > 0) return;
      try {
        await look();
      } catch {
        figures.failures++;
      }
    },
    read(into) {
      while (main !== undefined && !isClosed) {
        const bytes = main.fd === undefined ? 0 : take(main, into);
        if (bytes > 0) return bytes;
        if (next.length === 0) break;
        advance(main);
      }
      return isClosed ? 0 : takeLate(into);
    },
    get unreadBytes() {
      let bytes = 0;
      for (const { fd, offset } of [main, ...next, ...late.map(({ source }) => source)].filter(
        (one) => one !== undefined,
      )) {
        const size = fd === undefined ? 0 : (readable(() => fstatSync(fd).size) ?? 0);
        bytes += size < offset ? size : size - offset;
      }
      return bytes;
    },
    position: () => places.position(Math.min(followed.committed(), logical)),
    get descriptor() {
      return main?.fd;
    },
    get isOpen() {
      return main?.fd !== undefined;
    },
    get identity() {
      return main?.identity;
    },
    get isSettled() {
      return isSettled();
    },
    park() {
      if (main?.fd === undefined || !isSettled()) return false;
      closeSource(main);
      return true;
    },
    close(isEnd) {
      if (isClosed) return;
      isClosed = true;
      for (const { source } of late) finish(source);
      if (main !== undefined && (isEnd || !main.isLinked)) flush(main);
      for (const source of [main, ...next]) if (source !== undefined) closeSource(source);
    },
  };
}

/** Undefined where the system call fails. */
function readable<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}
