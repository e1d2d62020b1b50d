import type { Decoded, OutputStream } from './decoders.ts';

/** What is joined ends here. As long as a message may become. */
const defaultMaxBytes = 64 * 1024;
/** So long a part waits for the next one: a process may have ended in the middle of a line. */
const defaultSilenceMs = 1000;

/** A line that a process wrote. */
export type Joined = Omit<Decoded, 'isPartial'>;

/** Joins the parts that runtimes have torn lines into; lines of stdout and stderr stand between each other in one file. */
export interface Joiner {
  /** `end`: position behind the line. */
  add(decoded: Decoded, end: number, nowMs: number): void;
  /** Gives what has waited in vain. */
  expire(nowMs: number): void;
  /** Gives what waits: the file has ended. */
  flush(): void;
  /** Position up to which nothing waits; undefined while nothing waits at all. */
  readonly heldFrom: number | undefined;
  /** Bytes of UTF-8 that lines were too long by, and how many were. */
  readonly cutBytes: number;
  readonly cutLines: number;
}

interface Open {
  readonly start: number;
  readonly first: Decoded;
  parts: string;
  bytes: number;
  end: number;
  heardMs: number;
  isCut: boolean;
}

/** `onLine`: `end` is the position behind the last part. */
export function joiner(
  onLine: (line: Joined, end: number) => void,
  { maxBytes = defaultMaxBytes, silenceMs = defaultSilenceMs } = {},
): Joiner {
  const open = new Map<OutputStream, Open>();
  let last = 0;
  let cutBytes = 0;
  let cutLines = 0;

  const append = (line: Open, text: string): void => {
    const bytes = Buffer.byteLength(text);
    const room = maxBytes - line.bytes;
    if (bytes <= room) {
      line.parts += text;
      line.bytes += bytes;
    } else {
      const kept = cutAt(text, room);
      const keptBytes = Buffer.byteLength(kept);
      line.parts += kept;
      // What follows finds no room either: a line has no gaps.
      line.bytes = maxBytes;
      if (!line.isCut) cutLines++;
      line.isCut = true;
      cutBytes += bytes - keptBytes;
    }
  };
  const give = (line: Open): void => {
    open.delete(line.first.stream);
    const { stream, timeMs } = line.first;
    const joined = { text: line.parts, stream };
    onLine(timeMs === undefined ? joined : { ...joined, timeMs }, line.end);
  };

  return {
    add(decoded, end, nowMs) {
      const start = last;
      last = end;
      let line = open.get(decoded.stream);
      if (line === undefined) {
        if (!decoded.isPartial) return onLine(decoded, end);
        line = { start, first: decoded, parts: '', bytes: 0, end, heardMs: nowMs, isCut: false };
        open.set(decoded.stream, line);
      }
      line.end = end;
      line.heardMs = nowMs;
      append(line, decoded.text);
      if (!decoded.isPartial) give(line);
    },
    expire(nowMs) {
      for (const line of open.values()) if (nowMs - line.heardMs >= silenceMs) give(line);
    },
    flush() {
      for (const line of open.values()) give(line);
    },
    get heldFrom() {
      let from: number | undefined;
      for (const { start } of open.values()) from = Math.min(from ?? start, start);
      return from;
    },
    get cutBytes() {
      return cutBytes;
    },
    get cutLines() {
      return cutLines;
    },
  };
}

/** At most so many bytes of UTF-8, and no half character. */
function cutAt(text: string, bytes: number): string {
  const into = new Uint8Array(bytes);
  return text.slice(0, new TextEncoder().encodeInto(text, into).read);
}
