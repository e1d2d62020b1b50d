import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutputStream } from './decoders.ts';
import { joiner } from './joiner.ts';

function join(options?: { maxBytes?: number; silenceMs?: number }) {
  const got: unknown[] = [];
  const joins = joiner(({ text, stream, timeMs }, end) => got.push([text, stream, end, timeMs]), options);
  const add = (text: string, isPartial: boolean, end: number, nowMs = 0, stream: OutputStream = 'stdout') =>
    joins.add({ text, isPartial, stream, timeMs: end }, end, nowMs);
  return { joins, got, add };
}

test('parts of two streams between each other', () => {
  const { joins, got, add } = join();
  add('whole', false, 1);
  assert.equal(joins.heldFrom, undefined);
  add('out 1 ', true, 2);
  add('err 1 ', true, 3, 0, 'stderr');
  add('out 2 ', true, 4);
  assert.equal(joins.heldFrom, 1);
  add('out 3', false, 5);
  assert.equal(joins.heldFrom, 2);
  add('between', false, 6);
  add('err 2', false, 7, 0, 'stderr');
  assert.equal(joins.heldFrom, undefined);
  assert.deepEqual(got, [
    ['whole', 'stdout', 1, 1],
    ['out 1 out 2 out 3', 'stdout', 5, 2],
    ['between', 'stdout', 6, 6],
    ['err 1 err 2', 'stderr', 7, 3],
  ]);
});

test('a process that ended within a line does not spoil the first line of the next', () => {
  const { joins, got, add } = join({ silenceMs: 1000 });
  add('panic', true, 1, 0);
  joins.expire(999);
  assert.equal(got.length, 0);
  joins.expire(1000);
  add('hello', false, 2, 1001);
  add('last', true, 3, 1002);
  joins.flush();
  joins.flush();
  assert.deepEqual(got, [
    ['panic', 'stdout', 1, 1],
    ['hello', 'stdout', 2, 2],
    ['last', 'stdout', 3, 3],
  ]);
});

test('endless lines stay bounded, and end at a whole character', () => {
  const { joins, got, add } = join({ maxBytes: 10 });
  add('aaaa', true, 1);
  add('bbbbb😀', true, 2);
  for (let i = 0; i < 1000; i++) add('cc', true, 3);
  add('d', false, 4);
  assert.deepEqual(got, [['aaaabbbbb', 'stdout', 4, 1]]);
  assert.equal(joins.cutBytes, 4 + 2000 + 1);
  add('x'.repeat(100), false, 5);
  assert.deepEqual(got[1], ['x'.repeat(100), 'stdout', 5, 5]);
});
