import type { Clock } from '../host/clock.ts';
import { assembly, type Assembly } from './assembly.ts';
import type { expiry, Waiting } from './expiry.ts';
import type { Groups } from './groups.ts';
import type { JournalMessage } from './messages.ts';

/** Entries of the journal on their way to their groups. */
export interface JournalFeed {
  take(messages: readonly JournalMessage[]): void;
  forget(group: string): void;
  /** Nothing more comes. */
  flush(): void;
  readonly figures: { lines: number; bytes: number };
  /** Messages that were too long. */
  readonly cut: number;
  /** Entries that have not been counted yet, since more of their message may come. */
  readonly open: number;
}

interface Unit extends Waiting {
  readonly messages: Assembly;
  /** Entries of the open message. */
  open: number;
}

export function journalFeed(groups: Groups, waiting: ReturnType<typeof expiry>, clock: Clock): JournalFeed {
  const units = new Map<string, Unit>();
  const figures = { lines: 0, bytes: 0 };
  let cutOfForgotten = 0;
  const unitOf = (name: string): Unit => {
    let unit = units.get(name);
    if (unit === undefined) {
      const group = groups.of(name);
      const messages = assembly(({ level, text, timeMs }) => {
        made.open = 0;
        group.count(level, text, timeMs);
      });
      const expire = (nowMs: number): boolean => {
        messages.expire(nowMs);
        return messages.isOpen;
      };
      const made: Unit = { messages, open: 0, expire };
      units.set(name, (unit = made));
    }
    return unit;
  };
  return {
    take(messages) {
      const nowMs = clock.monotonic();
      for (const { group, text, level, timeMs } of messages) {
        const unit = unitOf(group);
        figures.lines++;
        figures.bytes += text.length;
        unit.messages.add(text, level, 0, nowMs, timeMs);
        if (unit.messages.isOpen) unit.open++;
        waiting.wait(unit);
      }
    },
    forget(group) {
      const messages = units.get(group)?.messages;
      if (messages === undefined) return;
      messages.flush();
      cutOfForgotten += messages.cutLines;
      units.delete(group);
    },
    flush() {
      for (const { messages } of units.values()) messages.flush();
    },
    figures,
    get cut() {
      let cut = cutOfForgotten;
      for (const { messages } of units.values()) cut += messages.cutLines;
      return cut;
    },
    get open() {
      let sum = 0;
      for (const { open } of units.values()) sum += open;
      return sum;
    },
  };
}
