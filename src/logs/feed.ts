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
}

/** A process's output has messages of its own, though both lie side by side in a file. */
interface Output {
  readonly messages: Assembly;
  /** Position of the first line of the open message. */
  from: number;
}

const decoders = { docker: dockerDecoder, cri: criDecoder, file: plainDecoder };

export function feed(kind: Stream['kind'], group: Group): Feed {
  const figures: FeedFigures = { lines: 0, bytes: 0, undecodable: 0 };
  const decode = decoders[kind]();
  const outputs = new Map<OutputStream, Output>();
  let [behind, from, counted, nowMs] = [0, 0, 0, 0];

  const outputOf = (stream: OutputStream): Output => {
    let output = outputs.get(stream);
    if (output === undefined) {
      const messages = assembly(({ level, text, end }) => {
        counted = Math.max(counted, end);
        group.count(level, text);
      });
      outputs.set(stream, (output = { messages, from: 0 }));
    }
    return output;
  };
  const joined = joiner(({ text, stream }, end) => {
    const output = outputOf(stream);
    const wasOpen = output.messages.isOpen;
    const before = counted;
    output.messages.add(text, 'unknown', end, nowMs);
    // Open, and not the message that was: this line is its first.
    if (!wasOpen || counted !== before) output.from = from;
  });
  const openFrom = (): number => {
    let earliest = joined.heldFrom ?? Infinity;
    for (const output of outputs.values())
      if (output.messages.isOpen) earliest = Math.min(earliest, output.from);
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
    figures,
  };
}
