import type { Level } from './level.ts';
import { levelOf } from './severity.ts';
import { trimmed } from './space.ts';
import { hasTimestamp } from './timestamp.ts';
import { copied, cut } from './utf8.ts';

/** Lines that belong together. */
export interface Message {
  /** Without white space at both ends; may be empty. */
  readonly text: string;
  /** Guessed from the first line, else that of its source. */
  readonly level: Level;
  /** Position behind its last line, as it came with it. */
  readonly end: number;
  /** Of its first line, as it came with it. */
  readonly timeMs?: number;
}

export interface Assembly {
  /**
   * @param line without its newline
   * @param level of the source, for a message that does not tell its own
   * @param end opaque position behind the line
   * @param timeMs when it was written, milliseconds since the epoch
   */
  add(line: string, level: Level, end: number, nowMs: number, timeMs?: number): void;
  /** Closes what has been silent for long enough. */
  expire(nowMs: number): void;
  /** Closes what is open: the stream has ended. */
  flush(): void;
  readonly isOpen: boolean;
  /** Lines that were cut or left out, because their message had its size. */
  readonly cutLines: number;
}

export interface AssemblyOptions {
  /** Of a message, a newline for each line counted in. */
  readonly maxBytes?: number;
  readonly silenceMs?: number;
}

const chaining: ReadonlySet<string> = new Set([
  'The above exception was the direct cause of the following exception:',
  'During handling of the above exception, another exception occurred:',
]);

/** Where a message is in the traceback of Python. */
type Python = 'none' | 'in traceback' | 'chained';

/** Makes messages of the lines of one stream. */
export function assembly(onMessage: (message: Message) => void, options: AssemblyOptions = {}): Assembly {
  const { maxBytes = 65_536, silenceMs = 1000 } = options;
  let isOpen = false;
  let text = '';
  let level: Level = 'unknown';
  let end = 0;
  let writtenMs: number | undefined;
  let lastMs = 0;
  let bytes = 0;
  let cutLines = 0;
  let pieces = 0;
  let isTimestamped = false;
  let python: Python = 'none';

  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    const whole = trimmed(text);
    text = '';
    const timeMs = writtenMs === undefined ? {} : { timeMs: writtenMs };
    onMessage({ text: whole, level: whole === '' ? 'unknown' : level, end, ...timeMs });
  };
  /** Whether the line belongs to the open message; takes note of where that stands then. */
  const continues = (line: string, hasTime: boolean): boolean => {
    if (isPart(line)) return true;
    if (isTimestamped) return !hasTime;
    if (line.startsWith('Caused by: ') || line.startsWith('for call at')) return true;
    if (line.startsWith('Traceback ')) {
      if (python !== 'chained') return false;
      python = 'in traceback';
      return true;
    }
    if (chaining.has(line)) {
      python = 'chained';
      return true;
    }
    if (python !== 'in traceback') return false;
    python = 'none';
    return true;
  };
  const append = (line: string): void => {
    const lineBytes = Buffer.byteLength(line);
    const room = maxBytes - bytes;
    bytes += lineBytes + 1;
    if (lineBytes > room) cutLines++;
    const fits = lineBytes <= room ? line : cut(line, Math.max(room, 0));
    text = text === '' ? fits : room > 0 ? `${text}\n${fits}` : text;
    // Put together of thousands of lines it would take many times its size.
    if ((++pieces & 63) === 0) text = copied(text);
  };

  return {
    add(line, ofSource, behind, nowMs, timeMs) {
      const hasTime = hasTimestamp(line);
      if (isOpen && !continues(line, hasTime)) close();
      if (!isOpen) {
        if (line === '') return;
        isOpen = true;
        bytes = 0;
        writtenMs = timeMs;
        level = levelOf(line, ofSource);
        isTimestamped = hasTime;
        python = line.startsWith('Traceback ') ? 'in traceback' : chaining.has(line) ? 'chained' : 'none';
      }
      append(line);
      end = behind;
      lastMs = nowMs;
    },
    expire(nowMs) {
      if (isOpen && nowMs - lastMs >= silenceMs) close();
    },
    flush: close,
    get isOpen() {
      return isOpen;
    },
    get cutLines() {
      return cutLines;
    },
  };
}

/** What nothing begins with. */
function isPart(line: string): boolean {
  if (line.length < 2) return line === '' || line === '}' || line === '\t';
  const first = line.charCodeAt(0);
  return first === 9 || (first === 32 && line.charCodeAt(1) === 32);
}
