/** What the reference made of lines that were written for this purpose: README.md. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assembly, type Message } from '../../src/logs/assembly.ts';
import { jsonMessage } from '../../src/logs/json.ts';
import type { Level } from '../../src/logs/level.ts';
import { hashOf, wordsOf } from '../../src/logs/pattern.ts';
import { patterns } from '../../src/logs/patterns.ts';
import { room } from '../../src/logs/room.ts';
import { levelOf, levelOfPriority } from '../../src/logs/severity.ts';

type Text =
  | string
  | { readonly b64: string }
  | { readonly prefix: string; readonly repeat: string; readonly n: number; readonly suffix: string };

function vectors<Vector>(file: string): (Vector & { readonly id: string })[] {
  return readFileSync(join(import.meta.dirname, `${file}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Vector & { readonly id: string });
}

/** Undefined for what is not UTF-8, which the decoders drop. */
function textOf(text: Text): string | undefined {
  if (typeof text === 'string') return text;
  if ('n' in text) return text.prefix + text.repeat.repeat(text.n) + text.suffix;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(text.b64, 'base64'));
  } catch {
    return undefined;
  }
}

/** As the vectors have it: what is long by its size and hash. */
function shown(name: string, text: string): Record<string, unknown> {
  const bytes = Buffer.byteLength(text);
  if (bytes <= 4096) return { [name]: text };
  return { [`${name}_bytes`]: bytes, [`${name}_md5`]: createHash('md5').update(text).digest('hex') };
}

function shownPattern(text: string): Record<string, unknown> {
  const words = wordsOf(text);
  return { ...shown('pattern', words.join(' ')), hash: hashOf(words) };
}

/** The messages of lines that come at once; silence comes after those of the given indexes, and at the end. */
function assembled(
  lines: readonly Text[],
  silentAfter: readonly number[] = [],
  level: Level = 'unknown',
): Message[] {
  const messages: Message[] = [];
  const stream = assembly((message) => messages.push(message));
  let nowMs = 0;
  for (const [index, line] of lines.entries()) {
    const text = textOf(line);
    if (text !== undefined) stream.add(text, level, index, nowMs);
    if (silentAfter.includes(index)) stream.expire((nowMs += 2001));
  }
  stream.expire(nowMs + 2001);
  return messages;
}

test('levels', () => {
  type Vector = { line: Text; priority?: string; expect: { level: Level } };
  for (const { id, line, priority, expect } of vectors<Vector>('levels')) {
    const text = textOf(line)!;
    const level =
      priority === undefined
        ? levelOf(text, 'unknown')
        : assembled([line], [], priority === '' ? 'unknown' : levelOfPriority(Number(priority)))[0]!.level;
    assert.equal(level, expect.level, `${id} ${text}`);
  }
});

test('patterns', () => {
  for (const { id, text, expect } of vectors<{ text: Text; expect: object }>('patterns'))
    assert.deepEqual(shownPattern(textOf(text)!), expect, id);
});

test('messages of several lines', () => {
  type Vector = { lines: Text[]; pause_after?: number[]; expect: object[] };
  for (const { id, lines, pause_after: silentAfter, expect } of vectors<Vector>('multiline')) {
    const messages = assembled(lines, silentAfter).map(({ text, level }) => ({
      level,
      ...shown('message', text),
      ...shownPattern(text),
    }));
    assert.deepEqual(messages, expect, id);
  }
});

test('objects of JSON are messages of their own, all else is none', () => {
  const read = vectors<{ lines: Text[] }>('json').map(({ id, lines }) =>
    assembled(lines).map(({ text }) => {
      const message = jsonMessage(text);
      assert.equal(message !== undefined, isObject(text), id);
      assert.ok((message?.attributes ?? []).length <= 100, id);
      return message?.level;
    }),
  );
  const levels = read.flat().filter((level) => level !== undefined);
  assert.ok(levels.length > 70, String(levels.length));
});

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

test('streams with patterns', () => {
  type Vector = { limit: number; lines: Text[]; expect: { assigned: string[]; counters: object[] } };
  for (const { id, limit, lines, expect } of vectors<Vector>('sequences')) {
    const stream = patterns({ limit, maxSampleBytes: 65_536, mask: (text) => text, room: room(Infinity) });
    const assigned = assembled(lines).map(({ level, text }) => stream.count(level, text));
    assert.deepEqual(assigned, expect.assigned, id);
    const counters = [...stream.counters()]
      .sort((one, other) => (one.level + one.hash < other.level + other.hash ? -1 : 1))
      .map(({ level, hash, sample, messages }) => ({ hash, level, messages, ...shown('sample', sample) }));
    assert.deepEqual(counters, expect.counters, id);
  }
});
