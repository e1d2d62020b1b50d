import type { Level } from './level.ts';
import { isSpace } from './space.ts';
import { fitting, widthAt } from './utf8.ts';

/** Nothing behind these is looked at. */
const maxBytes = 255;
const maxWords = 7;

type Hint = readonly [text: string, level: Level];
const whole: readonly Hint[] = [
  ['dbg', 'debug'],
  ['trc', 'debug'],
  ['inf', 'info'],
  ['wrn', 'warning'],
  ['err', 'error'],
  ['ftl', 'critical'],
];
/** Of what is longer than three letters. */
const beginnings: readonly Hint[] = [
  ['debu', 'debug'],
  ['info', 'info'],
  ['noti', 'info'],
  ['warn', 'warning'],
  ['erro', 'error'],
  ['crit', 'critical'],
  ['emerg', 'critical'],
  ['fatal', 'critical'],
  ['alert', 'critical'],
];
/** The hints by the code of their first letter: most words have none. */
const wholeBy = byFirst(whole);
const beginningsBy = byFirst(beginnings);

/** Ends of a piece of a word: `] ) ; | : , .` */
const ends = asciiSet(']);|:,.');
/** Stand before a piece and do not matter. */
const openers = asciiSet('"[(\'<');
const glog: Readonly<Record<string, Level>> = { I: 'info', W: 'warning', E: 'error', F: 'critical' };
const redis: Readonly<Record<string, Level>> = { '.': 'debug', '-': 'info', '*': 'warning', '#': 'warning' };

/** Begins and ends of the first words of the line that is being looked at. */
const bounds = new Uint16Array(2 * maxWords);

/** What a line says of its own severity in one of its first seven words and 255 bytes, else that of its source. */
export function levelOf(line: string, ofSource: Level): Level {
  const text = head(line);
  let words = 0;
  for (let at = 0; words < maxWords; words++) {
    while (at < text.length && isSpace(text.charCodeAt(at))) at++;
    if (at === text.length) break;
    const start = at;
    while (at < text.length && !isSpace(text.charCodeAt(at))) at++;
    bounds[2 * words] = start;
    bounds[2 * words + 1] = at;
    const level = (words === 0 ? ofGlog(text, start, at) : undefined) ?? ofWord(text, start, at);
    if (level !== undefined) return level;
  }
  return (words >= 6 ? ofRedis(text) : undefined) ?? ofSource;
}

/** PRIORITY of the journal (systemd.journal-fields(7)), which is that of syslog(3). */
export function levelOfPriority(priority: number): Level {
  if (!Number.isInteger(priority) || priority < 0) return 'unknown';
  if (priority <= 2) return 'critical';
  return (['error', 'warning', 'info', 'info', 'debug'] as const)[priority - 3] ?? 'unknown';
}

/** What of the line counts; a character that is cut in two is still one. */
function head(line: string): string {
  const end = fitting(line, maxBytes);
  if (end === line.length) return line;
  const torn = line.charCodeAt(end) >= 0x80 && Buffer.byteLength(line.slice(0, end)) < maxBytes;
  return torn ? `${line.slice(0, end)}\ufffd` : line.slice(0, end);
}

/** `E0102`: a letter and digits of any script, five bytes in all. */
function ofGlog(text: string, start: number, end: number): Level | undefined {
  if (end - start > 5 || end - start < 3) return undefined;
  const level = glog[text[start]!];
  if (level === undefined) return undefined;
  const digits = text.slice(start + 1, end);
  return /^\p{Nd}+$/u.test(digits) && Buffer.byteLength(digits) === 4 ? level : undefined;
}

function ofWord(text: string, start: number, end: number): Level | undefined {
  for (let from = start, at = start; at <= end; at++) {
    if (at < end && !has(ends, text.charCodeAt(at))) continue;
    const level = at - from >= 3 ? ofPiece(text, from, at) : undefined;
    if (level !== undefined) return level;
    from = at + 1;
  }
  return undefined;
}

function ofPiece(text: string, from: number, end: number): Level | undefined {
  let start = from;
  while (start < end && has(openers, text.charCodeAt(start))) start++;
  if (says(text, start, end, 'level=')) start += 6;
  const size = end - start;
  if (size < 3) return undefined;
  const hints = (size === 3 ? wholeBy : beginningsBy)[lower(text.charCodeAt(start)) - 97];
  if (hints === undefined) return undefined;
  for (const [hint, level] of hints) if (says(text, start, end, hint)) return level;
  return undefined;
}

/** Whether what is between begins with these ASCII letters, in any case. */
function says(text: string, start: number, end: number, letters: string): boolean {
  if (end - start < letters.length) return false;
  for (let i = 0; i < letters.length; i++)
    if (lower(text.charCodeAt(start + i)) !== letters.charCodeAt(i)) return false;
  return true;
}

/** U+0130 is the only other code that has a letter of a hint in lower case. */
function lower(code: number): number {
  if (code === 0x130) return 105;
  return code >= 65 && code <= 90 ? code + 32 : code;
}

/** `[pid] day month time mark text` and `pid:role day month year time mark text`. */
function ofRedis(text: string): Level | undefined {
  const [start, end] = [bounds[0]!, bounds[1]!];
  if (text[start] === '[' && text[end - 1] === ']') return redis[word(text, 4)];
  const colon = text.indexOf(':', start);
  if (colon < 0 || colon >= end) return undefined;
  const second = text.indexOf(':', colon + 1);
  if (second >= 0 && second < end) return undefined;
  return redis[word(text, bytesOf(text, 3) === 4 ? 5 : 4)];
}

/** A word by its index; '' for those that are not marks. */
function word(text: string, index: number): string {
  const [start, end] = [bounds[2 * index]!, bounds[2 * index + 1]!];
  return end - start === 1 ? text[start]! : '';
}

/** Bytes of a word; of long ones, more than four. */
function bytesOf(text: string, index: number): number {
  const end = bounds[2 * index + 1]!;
  let bytes = 0;
  for (let at = bounds[2 * index]!; at < end && bytes <= 4;) {
    const width = widthAt(text, at);
    bytes += width;
    at += width === 4 ? 2 : 1;
  }
  return bytes;
}

function asciiSet(characters: string): Uint8Array {
  const set = new Uint8Array(128);
  for (const character of characters) set[character.charCodeAt(0)] = 1;
  return set;
}

function has(set: Uint8Array, code: number): boolean {
  return code < 128 && set[code] === 1;
}

function byFirst(hints: readonly Hint[]): readonly (readonly Hint[] | undefined)[] {
  return Array.from({ length: 26 }, (_, letter) => {
    const own = hints.filter(([text]) => text.charCodeAt(0) === 97 + letter);
    return own.length > 0 ? own : undefined;
  });
}
