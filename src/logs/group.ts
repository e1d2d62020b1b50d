import type { Clock } from '../host/clock.ts';
import { TokenBucket } from '../token-bucket.ts';
import { hasPatterns, type Level } from './level.ts';
import type { LogSettings } from './messages.ts';
import { jsonMessage } from './json.ts';
import { hashOf, wordsOf } from './pattern.ts';
import { patterns, type PatternCounter } from './patterns.ts';
import type { Emit } from './records.ts';
import type { Room } from './room.ts';

/** All messages of one container and source, whichever stream they come by. */
export interface Group {
  readonly name: string;
  /** `timeMs`: when it was written, where that is known. */
  count(level: Level, text: string, timeMs?: number): void;
  counters(): Iterable<PatternCounter>;
  readonly refused: number;
  close(): void;
}

/** Of messages that patterns are not looked for in, because there are too many. */
const sampled = { hash: hashOf(wordsOf('event was sampled')), sample: 'event was sampled' };

export interface GroupDeps {
  readonly settings: LogSettings;
  readonly mask: (text: string) => string;
  readonly room: Room;
  readonly clock: Clock;
  /** Whether there is time for patterns. */
  readonly hasTime: () => boolean;
  /** It has counted something. */
  readonly onCount: (group: Group) => void;
  /** Sends the message on. */
  readonly emit?: Emit | undefined;
}

export function group(
  name: string,
  { settings, mask, room, clock, hasTime, onCount, emit }: GroupDeps,
): Group {
  const { patternLimit, extractionLimit, maxSampleBytes } = settings;
  const own = patterns({ limit: patternLimit, maxSampleBytes, mask, room });
  const bucket = extractionLimit === 0 ? undefined : new TokenBucket(extractionLimit, extractionLimit, clock);
  const untold = new Map<Level, { -readonly [Key in keyof PatternCounter]: PatternCounter[Key] }>();
  const isTold = (level: Level): boolean =>
    !hasPatterns.has(level) || (hasTime() && (bucket === undefined || bucket.take()));

  const made: Group = {
    name,
    count(levelOfText, whole, timeMs) {
      const json = settings.json && whole.startsWith('{') ? jsonMessage(whole) : undefined;
      const level = json?.level ?? levelOfText;
      const text = json?.message ?? whole;
      let { hash } = sampled;
      if (isTold(level)) hash = own.count(level, text);
      else {
        let counter = untold.get(level);
        if (counter === undefined) untold.set(level, (counter = { level, ...sampled, messages: 0 }));
        counter.messages++;
      }
      onCount(made);
      emit?.({ level, text, hash, json, timeMs: json?.timeMs ?? timeMs });
    },
    *counters() {
      yield* own.counters();
      yield* untold.values();
    },
    get refused() {
      let over = 0;
      for (const { messages } of untold.values()) over += messages;
      return own.refused + over;
    },
    close: () => own.close(),
  };
  return made;
}
