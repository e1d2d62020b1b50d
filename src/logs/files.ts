import { fstatSync } from 'node:fs';
import type { Clock } from '../host/clock.ts';
import type { expiry } from './expiry.ts';
import { feed, type Feed, type FeedFigures } from './feed.ts';
import type { Position } from './followed.ts';
import type { Group } from './group.ts';
import type { KindFigures, Stream } from './messages.ts';
import { tails, type Tails } from './tails.ts';

type FileKind = Stream['kind'];
const fileKinds: readonly FileKind[] = ['docker', 'cri', 'file'];

/** Log files that are followed. */
export interface Files {
  /** Its messages are counted by the group. */
  follow(stream: Stream, group: Group): void;
  /** It is read to its end first. */
  leave(stream: string): Promise<void>;
  figures(
    kind: FileKind,
  ): KindFigures & { undecodable: number; cut: number; refused: number; failed: number };
  positions(): Iterable<readonly [id: string, position: Position]>;
  /** Reads what is there, once. Positions are still told afterwards. */
  close(): Promise<void>;
}

export interface FilesDeps {
  readonly waiting: ReturnType<typeof expiry>;
  readonly clock: Clock;
  /** Opens a file of that name in the stream's directory; rejects with a `code`. */
  readonly open: (stream: Stream, name: string) => Promise<number>;
  /** Files that were made later are read from their beginning; milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly stored: (id: string) => Position | undefined;
  /** How long reading is to wait by now, milliseconds. */
  readonly waitMs?: () => number;
}

export function files({ waiting, clock, open, sinceMs, stored, waitMs }: FilesDeps): Files {
  const byId = new Map<string, { readonly kind: FileKind; readonly feed: Feed }>();
  const each = <T>(make: (kind: FileKind) => T): Record<FileKind, T> =>
    Object.fromEntries(fileKinds.map((kind) => [kind, make(kind)])) as Record<FileKind, T>;
  /** Of the stream that is being added. */
  let before: Pick<Stream, 'readTo' | 'isSkipped'> = {};
  const positionOf = (id: string): Position | undefined => {
    const { isSkipped, readTo } = before;
    return isSkipped === true || readTo === null ? undefined : (readTo ?? stored(id));
  };
  const all = each<Tails>(() => tails({ clock, stored: positionOf, ...(waitMs && { waitMs }) }));
  const skipped = each<{ bytes: number }>(() => ({ bytes: 0 }));
  /** Of streams that were left. */
  const ended = each<FeedFigures>(() => ({ lines: 0, bytes: 0, undecodable: 0, cut: 0 }));

  const figuresOf = (kind: FileKind): FeedFigures => {
    const sum = { ...ended[kind] };
    for (const own of byId.values()) if (own.kind === kind) add(sum, own.feed.figures);
    return sum;
  };

  return {
    follow(stream, group) {
      const { id, kind, directory, name, isNew, isAgain } = stream;
      if (byId.has(id)) return;
      const lines = feed(kind, group);
      let isYoung = isNew;
      const isSkipped = stream.isSkipped === true;
      let isKnown = isAgain && !isSkipped;
      before = stream;
      const isAdded = all[kind].add({
        id,
        directory,
        name,
        get fromStart() {
          return isYoung && !isAgain && !isSkipped;
        },
        async open() {
          const fd = await open(stream, name);
          if (isKnown) return fd;
          isKnown = true;
          try {
            const { birthtimeMs } = fstatSync(fd);
            if (birthtimeMs > 0) isYoung = birthtimeMs >= sinceMs;
            if (isSkipped) skipped[kind].bytes += bytesAfter(stream, isYoung && !isAgain, fd);
          } catch {
            // Whoever reads it will hear of it.
          }
          return fd;
        },
        openSibling: (sibling) => open(stream, sibling),
        onLine(line, end) {
          lines.line(line, end, clock.monotonic());
          waiting.wait(lines);
        },
        committed: () => lines.committed(),
      });
      before = {};
      if (isAdded) byId.set(id, { kind, feed: lines });
    },
    async leave(id) {
      const own = byId.get(id);
      if (own === undefined) return;
      await all[own.kind].remove(id);
      own.feed.flush();
      add(ended[own.kind], own.feed.figures);
      byId.delete(id);
    },
    figures(kind) {
      const { files: streams, rotations, unreadBytes, ...tail } = all[kind].figures();
      const destroyedBytes = tail.destroyedBytes + skipped[kind].bytes;
      const { lines, bytes, undecodable, cut } = figuresOf(kind);
      const refused = tail.refusedAdds + tail.refusedFiles;
      const known = { lines, bytes, lagBytes: unreadBytes, streams, rotations, destroyedBytes };
      return { ...known, undecodable, refused, failed: tail.failures, cut: cut + tail.cutLines };
    },
    *positions() {
      for (const kind of fileKinds) yield* all[kind].positions();
    },
    async close() {
      await Promise.all(fileKinds.map((kind) => all[kind].close()));
      for (const own of byId.values()) own.feed.settle();
    },
  };
}

/** What had not been told of the file that is open: all of it where it is another one by now, or new. */
function bytesAfter({ readTo }: Stream, isNew: boolean, fd: number): number {
  const { ino, size } = fstatSync(fd, { bigint: true });
  if (!readTo) return isNew ? Number(size) : 0;
  return Math.max(0, Number(size) - (String(ino) === readTo.inode ? readTo.offset : 0));
}

function add(sum: FeedFigures, more: FeedFigures): void {
  sum.lines += more.lines;
  sum.bytes += more.bytes;
  sum.undecodable += more.undecodable;
  sum.cut += more.cut;
}
