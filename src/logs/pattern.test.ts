import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOf, wordsOf } from './pattern.ts';

test('what differs from message to message is left out', () => {
  assert.deepEqual(wordsOf('conn 17 to 10.0.0.1:80 "db" (retry 3): 0xff deadbeef took 15ms'), [
    'conn',
    'to',
    'took',
    'ms',
  ]);
  assert.deepEqual(wordsOf('req 6a1e2f60-9f6c-4b44-8c7a-0a1b2c3d4e5f lost'), ['req', 'lost']);
});

test('what is glued to something quoted stays one word', () => {
  assert.deepEqual(wordsOf("it's 'quoted' text"), ['itquoted']);
  assert.deepEqual(wordsOf('glued(inner)word'), ['gluedword']);
});

test('an open quote or bracket swallows the rest', () => {
  assert.deepEqual(wordsOf('call (a "b) c'), ['call']);
  assert.deepEqual(wordsOf('say "never ending'), ['say']);
});

test('a hundred words are enough', () => {
  assert.equal(wordsOf('word '.repeat(150)).length, 100);
  assert.equal(wordsOf('word '.repeat(99)).length, 99);
});

test('the hash is that of md5sum', () => {
  assert.equal(hashOf([]), 'd41d8cd98f00b204e9800998ecf8427e');
  assert.equal(hashOf(['connection', 'to', 'upstream', 'lost']), '521c529100badbac3f598faceee7e6d5');
});

test('64 KiB of anything are one pass', () => {
  for (const part of ['(', '"', "'x", 'd5', '5 ', '\\"', '[]', 'x(y)z', '\u{1f525}', '0x', '-'])
    for (const text of [
      part.repeat(65_536 / part.length),
      `${'a'.repeat(36)} ${part.repeat(60_000 / part.length)}`,
    ]) {
      const startMs = performance.now();
      wordsOf(text);
      assert.ok(performance.now() - startMs < 200, part);
    }
});
