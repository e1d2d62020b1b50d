import { assembly, type Assembly } from './assembly.ts';
import { criDecoder, dockerDecoder, plainDecoder, type OutputStream } from './decoders.ts';
import type { Group } from './group.ts';
import { joiner } from './joiner.ts';
import type { Stream } from './messages.ts';

/** The lines of one file on their way to its group. */
export interface Feed {
  /** `end`: position behind the line. */
  line(bytes: Buffer, end: number, nowMs: number): void;
  /** Closes messages that have been silent for long enough; answers whether any is still open. */
  expire(nowMs: number): boolean;
  /** Nothing more comes. */
  flush(): void;
  /**
   * Reading ends for now. What is open is read again the next time, unless something behind it has been counted already, by the
   * other output of the process: then it is counted as it is.
   */
  settle(): void;
  /** Position up to which everything has been counted. */
  committed(): number;
  readonly figures: FeedFigures;
}

export interface FeedFigures {
  lines: number;
  bytes: number;
  /** Lines that are none of their format. */
  undecodable: number;
  /** Lines that were cut or left out for their length, or for that of their message. */
  cut: number;
}

/** A process's output has messages of its own, though both lie side by side in a file. */
interface Output {
  readonly messages: Assembly;
  /** Position of the first line of the open message, and when it came. */
  from: number;
  sinceMs: number;
}

/** A message, or a line in parts, that stays open for longer is read on from where it is after a restart. */
const maxHeldMs = 5000;

const decoders = { docker: dockerDecoder, cri: criDecoder, file: plainDecoder };

export function feed(kind: Stream['kind'], group: Group): Feed {
  const figures = { lines: 0, bytes: 0, undecodable: 0 };
  const decode = decoders[kind]();
  const outputs = new Map<OutputStream, Output>();
  let [behind, from, counted, nowMs, heldSinceMs] = [0, 0, 0, 0, 0];

  const outputOf = (stream: OutputStream): Output => {
    let output = outputs.get(stream);
    if (output === undefined) {
      const messages = assembly(({ level, text, end, timeMs }) => {
        counted = Math.max(counted, end);
        group.count(level, text, timeMs);
      });
      outputs.set(stream, (output = { messages, from: 0, sinceMs: 0 }));
    }
    return output;
  };
  const joined = joiner(({ text, stream, timeMs }, end) => {
    const output = outputOf(stream);
    const wasOpen = output.messages.isOpen;
    const before = counted;
    output.messages.add(text, 'unknown', end, nowMs, timeMs);
    // Open, and not the message that was: this line is its first.
    if (wasOpen && counted === before) return;
    output.from = from;
    output.sinceMs = nowMs;
  });
  const isHeldLong = (sinceMs: number): boolean => nowMs - sinceMs > maxHeldMs;
  const openFrom = (): number => {
    let earliest = isHeldLong(heldSinceMs) ? Infinity : (joined.heldFrom ?? Infinity);
    for (const { messages, from, sinceMs } of outputs.values())
      if (messages.isOpen && !isHeldLong(sinceMs)) earliest = Math.min(earliest, from);
    return earliest;
  };
  const flush = (): void => {
    joined.flush();
    for (const { messages } of outputs.values()) messages.flush();
  };

  return {
    line(line, end, atMs) {
      nowMs = atMs;
      figures.lines++;
      figures.bytes += line.length + 1;
      const decoded = decode(line);
      if (decoded === undefined) figures.undecodable++;
      else {
        from = joined.heldFrom ?? behind;
        if (joined.heldFrom === undefined) heldSinceMs = nowMs;
        joined.add(decoded, end, nowMs);
      }
      behind = end;
    },
    expire(atMs) {
      nowMs = atMs;
      joined.expire(nowMs);
      let isOpen = joined.heldFrom !== undefined;
      for (const { messages } of outputs.values()) {
        messages.expire(nowMs);
        isOpen ||= messages.isOpen;
      }
      return isOpen;
    },
    flush,
    settle() {
      if (counted > openFrom()) flush();
    },
    committed: () => Math.min(openFrom(), behind),
    get figures() {
      let cut = joined.cutLines;
      for (const { messages } of outputs.values()) cut += messages.cutLines;
      return { ...figures, cut };
    },
  };
}
