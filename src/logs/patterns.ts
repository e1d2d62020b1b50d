import { maskedObject } from './json-mask.ts';
import { hasPatterns, type Level } from './level.ts';
import { likeness, likenessBytes, type Likeness } from './likeness.ts';
import { hashOf, wordsOf } from './pattern.ts';
import type { Room } from './room.ts';
import { copied, cut } from './utf8.ts';

/** One series of a stream. */
export interface PatternCounter {
  readonly level: Level;
  /** '' for levels that are not told apart by pattern. */
  readonly hash: string;
  /** The message that founded the pattern, masked. */
  readonly sample: string;
  readonly messages: number;
}

export interface PatternsOptions {
  /** Patterns of a level. */
  readonly limit: number;
  readonly maxSampleBytes: number;
  /** Takes secrets out of a sample. */
  readonly mask: (text: string) => string;
  /** Where the samples of all streams are. */
  readonly room: Room;
}

/** The messages of one stream. */
export interface Patterns {
  /** Answers the hash of the message's pattern, '' for levels that are not told apart by pattern. */
  count(level: Level, text: string): string;
  /** The same objects each time, which go on counting. */
  counters(): Iterable<PatternCounter>;
  /** Messages that found no place of their own. */
  readonly refused: number;
  /** Gives its room back; it has no counters any more. */
  close(): void;
}

/** The pattern of messages that found no place of their own, as in the reference. */
export const overflow = {
  hash: '0'.repeat(32),
  sample: 'unclassified pattern (pattern limit reached)',
} as const;
/** What a pattern takes besides its sample and its words. */
const overheadBytes = 256;
/** What is behind the sample's end and still masked with it, so that no secret is cut before it is known as one. */
const lookAheadBytes = 2048;

type Counter = { -readonly [Key in keyof PatternCounter]: PatternCounter[Key] };

/** The patterns of a level. */
interface Book {
  readonly byHash: Map<string, Counter>;
  readonly alike: Likeness<Counter>;
  overflow?: Counter;
}

export function patterns({ limit, maxSampleBytes, mask, room }: PatternsOptions): Patterns {
  const all: Counter[] = [];
  const plain = new Map<Level, Counter>();
  const books = new Map<Level, Book>();
  let takenBytes = 0;
  let refused = 0;
  let isClosed = false;

  const counter = (level: Level, hash: string, sample: string): Counter => {
    const made = { level, hash, sample, messages: 0 };
    all.push(made);
    return made;
  };
  /** Undefined where there is no room. */
  const sampleOf = (text: string, words: readonly string[]): string | undefined => {
    const ownBytes = overheadBytes + likenessBytes(words);
    const most = maxSampleBytes + ownBytes;
    if (!room.take(most)) return undefined;
    const sample = masked(text, maxSampleBytes, mask);
    const bytes = Buffer.byteLength(sample) + ownBytes;
    room.give(most - bytes);
    takenBytes += bytes;
    return sample;
  };
  const found = (book: Book, level: Level, text: string, hash: string, words: readonly string[]): Counter => {
    const near = book.alike.find(words);
    if (near !== undefined) return near;
    const sample = book.byHash.size < limit ? sampleOf(text, words) : undefined;
    if (sample === undefined) {
      refused++;
      return (book.overflow ??= counter(level, overflow.hash, overflow.sample));
    }
    const made = counter(level, hash, sample);
    book.byHash.set(hash, made);
    book.alike.add(words, made);
    return made;
  };

  return {
    count(level, text) {
      if (isClosed) return '';
      let own: Counter | undefined;
      if (hasPatterns.has(level)) {
        let book = books.get(level);
        if (book === undefined) books.set(level, (book = { byHash: new Map(), alike: likeness() }));
        const words = wordsOf(text);
        const hash = hashOf(words);
        own = book.byHash.get(hash) ?? found(book, level, text, hash, words);
      } else {
        own = plain.get(level);
        if (own === undefined) plain.set(level, (own = counter(level, '', '')));
      }
      own.messages++;
      return own.hash;
    },
    counters: () => all,
    get refused() {
      return refused;
    },
    close() {
      isClosed = true;
      room.give(takenBytes);
      takenBytes = 0;
      all.length = 0;
      plain.clear();
      books.clear();
    },
  };
}

/** A sample of its own, which does not keep the message in memory. */
function masked(text: string, maxBytes: number, mask: (text: string) => string): string {
  const object = maskedObject(text, mask);
  if (object !== undefined) return copied(cut(object, maxBytes));
  const seen = cut(text, maxBytes + lookAheadBytes);
  const whole = mask(seen);
  // What masks have made much shorter may end in half a secret.
  const safe =
    seen.length === text.length ? whole : whole.slice(0, Math.max(0, whole.length - lookAheadBytes / 8));
  return copied(cut(safe, maxBytes));
}
