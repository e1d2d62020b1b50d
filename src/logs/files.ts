import { fstatSync } from 'node:fs';
import type { Clock } from '../host/clock.ts';
import type { expiry } from './expiry.ts';
import { feed, type Feed, type FeedFigures } from './feed.ts';
import type { Position } from './followed.ts';
import type { Groups } from './groups.ts';
import type { KindFigures, Stream } from './messages.ts';
import { tails, type Tails } from './tails.ts';

type FileKind = Stream['kind'];
const fileKinds: readonly FileKind[] = ['docker', 'cri', 'file'];

/** Log files that are followed. */
export interface Files {
  follow(stream: Stream): void;
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
  readonly groups: Groups;
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

export function files({ groups, waiting, clock, open, sinceMs, stored, waitMs }: FilesDeps): Files {
  const byId = new Map<string, { readonly kind: FileKind; readonly feed: Feed }>();
  const each = <T>(make: (kind: FileKind) => T): Record<FileKind, T> =>
    Object.fromEntries(fileKinds.map((kind) => [kind, make(kind)])) as Record<FileKind, T>;
  const all = each<Tails>(() => tails({ clock, stored, ...(waitMs && { waitMs }) }));
  /** Of streams that were left. */
  const before = each<FeedFigures>(() => ({ lines: 0, bytes: 0, undecodable: 0, cut: 0 }));

  const figuresOf = (kind: FileKind): FeedFigures => {
    const sum = { ...before[kind] };
    for (const own of byId.values()) if (own.kind === kind) add(sum, own.feed.figures);
    return sum;
  };

  return {
    follow(stream) {
      const { id, kind, directory, name, isNew, isAgain } = stream;
      if (byId.has(id)) return;
      const lines = feed(kind, groups.of(stream.group));
      let isYoung = isNew;
      let isKnown = isAgain;
      const isAdded = all[kind].add({
        id,
        directory,
        name,
        get fromStart() {
          return isYoung && !isAgain;
        },
        async open() {
          const fd = await open(stream, name);
          if (isKnown) return fd;
          isKnown = true;
          try {
            const { birthtimeMs } = fstatSync(fd);
            if (birthtimeMs > 0) isYoung = birthtimeMs >= sinceMs;
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
      if (isAdded) byId.set(id, { kind, feed: lines });
    },
    async leave(id) {
      const own = byId.get(id);
      if (own === undefined) return;
      await all[own.kind].remove(id);
      own.feed.flush();
      add(before[own.kind], own.feed.figures);
      byId.delete(id);
    },
    figures(kind) {
      const { files: streams, rotations, destroyedBytes, unreadBytes, ...tail } = all[kind].figures();
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

function add(sum: FeedFigures, more: FeedFigures): void {
  sum.lines += more.lines;
  sum.bytes += more.bytes;
  sum.undecodable += more.undecodable;
  sum.cut += more.cut;
}
