import { createHash } from 'node:crypto';
import { isSpace } from './space.ts';

const maxWords = 100;
const backslash = 92;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const prefixedHex = /^0x[0-9a-fA-F]+$/;

/** What a code is for the limits of words. */
const [ordinary, space, quotation, opener, closer] = [0, 1, 2, 3, 4];
const kinds = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if ('\'"'.includes(character)) return quotation;
  if ('([{'.includes(character)) return opener;
  if (')]}'.includes(character)) return closer;
  return isSpace(code) ? space : ordinary;
});

/**
 * What stays alike in messages of one kind: their words, without what is quoted or in brackets, without digits, numbers,
 * identifiers and whatever else is not plain; a hundred at most. One pass.
 */
export function wordsOf(message: string): string[] {
  const words: string[] = [];
  /** What is seen of the word so far, and where the rest of it begins; -1: nowhere. */
  let before = '';
  let start = -1;
  for (let at = 0; at < message.length; at++) {
    const code = message.charCodeAt(at);
    const kind = code < 128 ? kinds[code] : isSpace(code) ? space : ordinary;
    if (kind === ordinary || kind === closer || (kind === quotation && isEscaped(message, at))) {
      if (start < 0) start = at;
      continue;
    }
    if (start >= 0) before = before === '' ? message.slice(start, at) : before + message.slice(start, at);
    start = -1;
    if (kind === quotation) at = endOfQuote(message, at, code);
    else if (kind === opener) at = endOfBracket(message, at, code);
    else if (before !== '') {
      if (keep(words, before) === maxWords) return words;
      before = '';
    }
  }
  if (start >= 0) before += message.slice(start);
  if (before !== '') keep(words, before);
  return words;
}

function isEscaped(message: string, at: number): boolean {
  return at > 0 && message.charCodeAt(at - 1) === backslash;
}

/** Where the quote that begins at `at` ends; the end of the message where it does not. */
function endOfQuote(message: string, at: number, quote: number): number {
  for (let end = at + 1; end < message.length; end++)
    if (message.charCodeAt(end) === quote && !isEscaped(message, end)) return end;
  return message.length;
}

/** Where the bracket that opens at `at` is closed, with all that open in it. */
function endOfBracket(message: string, at: number, code: number): number {
  const closers = [closerOf(code)];
  for (let end = at + 1; end < message.length; end++) {
    const inner = message.charCodeAt(end);
    const kind = inner < 128 ? kinds[inner] : ordinary;
    if (kind === opener) closers.push(closerOf(inner));
    else if (kind === closer && inner === closers[closers.length - 1]) {
      closers.pop();
      if (closers.length === 0) return end;
    }
  }
  return message.length;
}

/** MD5 of the words with one space between, in hexadecimal. */
export function hashOf(words: readonly string[]): string {
  return createHash('md5').update(words.join(' ')).digest('hex');
}

/** In ASCII one behind `(`, and two behind `[` and `{`. */
function closerOf(code: number): number {
  return code === 40 ? 41 : code + 2;
}

/** Adds what is left of a word, if anything is; answers how many there are. */
function keep(words: string[], text: string): number {
  const word = plain(text);
  return word === '' ? words.length : words.push(word);
}

function plain(text: string): string {
  let end = text.length;
  while (end > 0 && isTail(text.charCodeAt(end - 1))) end--;
  if (end < 2) return '';
  let digits = 0;
  let isHex = true;
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) digits++;
    else if (!isLetter(code)) {
      if (code !== 45 && code !== 46 && code !== 95) return '';
      isHex = false;
    } else if ((code | 32) > 102) isHex = false;
  }
  if (isHex && end >= 4) return '';
  const word = end === text.length ? text : text.slice(0, end);
  if ((digits > 0 && prefixedHex.test(word)) || (end === 36 && uuid.test(word))) return '';
  const kept = digits === 0 ? word : word.replace(/[0-9]+/g, '');
  if (kept.length < 2 || !isLetter(kept.charCodeAt(0)) || !isLetter(kept.charCodeAt(kept.length - 1)))
    return '';
  return kept;
}

/** `= : ] , ;` */
function isTail(code: number): boolean {
  return code === 61 || code === 58 || code === 93 || code === 44 || code === 59;
}

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}
