import { isUtf8 } from 'node:buffer';
import { timeReader } from './times.ts';

/** Where a process has written it to; '' where the file does not tell. */
export type OutputStream = '' | 'stdout' | 'stderr';

/** One line of a file, as the process wrote it or a part of it. */
export interface Decoded {
  /** Without the newline that ended it. Well-formed Unicode. */
  readonly text: string;
  /** Whether the rest of what the process wrote in one line follows. */
  readonly isPartial: boolean;
  readonly stream: OutputStream;
  /** When the runtime has seen it, milliseconds since the epoch. */
  readonly timeMs?: number;
}

/** Decodes a line of a file; undefined for what is none. */
export type Decode = (line: Buffer) => Decoded | undefined;

/** Lines as they are. One that is no UTF-8 is none. */
export function plainDecoder(): Decode {
  return (line) => (isUtf8(line) ? { text: line.toString('utf8'), isPartial: false, stream: '' } : undefined);
}

/**
 * Docker's json-file (daemon/logger/jsonfilelog): `{"log":"text\n","stream":"stdout","time":"2006-01-02T15:04:05.9Z"}`. As Go's
 * encoding/json reads it: keys in any letter case, the last one wins, null or absent is empty. Docker writes lines of more than 16 KiB
 * in parts, of which only the last ends in a newline.
 */
export function dockerDecoder(): Decode {
  const timeOf = timeReader();
  return (line) => {
    const entry = parsed(line.toString('utf8'));
    if (entry === undefined) return undefined;
    let log = '';
    let stream: unknown;
    let time: unknown;
    for (const key in entry) {
      const value = entry[key];
      if (isKey(key, 'log') && value !== null) {
        if (typeof value !== 'string') return undefined;
        log = value;
      } else if (isKey(key, 'stream')) stream = value;
      else if (isKey(key, 'time')) time = value;
    }
    const isWhole = log.endsWith('\n');
    const text = (isWhole ? log.slice(0, -1) : log).toWellFormed();
    return decoded(text, !isWhole, stream, typeof time === 'string' ? timeOf(time) : undefined);
  };
}

/** As Go prints it: `null` is an object without keys. */
function parsed(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(json) as unknown;
    if (value === null) return {};
    return typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const isKey = (key: string, name: string): boolean =>
  key === name || (key.length === name.length && key.toLowerCase() === name);

const space = 0x20;

/**
 * Lines of the Container Runtime Interface (containerd, CRI-O): `time stream tag text`, tag `F` for a whole line or the last part of one
 * and `P` for the other parts; more tags may follow, set off by colons (k8s.io/cri-client/pkg/logs). Runtimes part lines at 16 KiB,
 * also within a character: its first bytes are kept for the next part. Text that is no UTF-8 is dropped.
 */
export function criDecoder(): Decode {
  const timeOf = timeReader();
  const begun = new Map<OutputStream, Buffer>();
  return (line) => {
    const first = line.indexOf(space);
    const second = first === -1 ? -1 : line.indexOf(space, first + 1);
    const third = second === -1 ? -1 : line.indexOf(space, second + 1);
    if (third === -1) return undefined;
    const stream = streamOf(line.toString('latin1', first + 1, second));
    const tag = line.toString('latin1', second + 1, third);
    const isPartial = tag === 'P' || tag.startsWith('P:');
    let text = line.subarray(third + 1);
    const before = begun.get(stream);
    if (before !== undefined) {
      begun.delete(stream);
      text = Buffer.concat([before, text]);
    }
    if (isPartial) {
      const whole = text.length - unfinishedBytes(text);
      if (whole < text.length) begun.set(stream, Buffer.from(text.subarray(whole)));
      text = text.subarray(0, whole);
    }
    if (!isUtf8(text)) return undefined;
    return decoded(text.toString('utf8'), isPartial, stream, timeOf(line.toString('latin1', 0, first)));
  };
}

/** How many bytes at the end are the beginning of a character of UTF-8. */
function unfinishedBytes(text: Buffer): number {
  for (let bytes = 1; bytes <= 3 && bytes <= text.length; bytes++) {
    const byte = text[text.length - bytes]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return bytes < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? bytes : 0;
  }
  return 0;
}

const streamOf = (name: unknown): OutputStream => (name === 'stdout' || name === 'stderr' ? name : '');

function decoded(text: string, isPartial: boolean, stream: unknown, timeMs: number | undefined): Decoded {
  const at = streamOf(stream);
  return timeMs === undefined ? { text, isPartial, stream: at } : { text, isPartial, stream: at, timeMs };
}
