import assert from 'node:assert/strict';
import { test } from 'node:test';
import { levelOf, levelOfPriority } from './severity.ts';

test('words of a line tell its level, the first one that does', () => {
  assert.equal(levelOf('12:00:01 [main] WARN x error', 'unknown'), 'warning');
  assert.equal(levelOf('level=err msg=info', 'unknown'), 'error');
  assert.equal(levelOf('app.level=FATAL', 'unknown'), 'critical');
  assert.equal(levelOf('terror mirror errors', 'unknown'), 'error');
  assert.equal(levelOf('a b c d e f g error', 'unknown'), 'unknown');
});

test('glog and redis have ways of their own', () => {
  assert.equal(levelOf('F0102 03:04:05.000000 1 x.cc:1] gone', 'unknown'), 'critical');
  assert.equal(levelOf('E\u0661\u0662 gone', 'unknown'), 'error');
  assert.equal(levelOf('1:M 02 Jan 2031 03:04:05.006 # no room', 'unknown'), 'warning');
  assert.equal(levelOf('[1] 02 Jan 03:04:05 - ready now', 'unknown'), 'info');
});

test('what does not tell has the level of its source', () => {
  assert.equal(levelOf('', 'error'), 'error');
  assert.equal(levelOf('nothing', 'info'), 'info');
  assert.equal(levelOf('debug', 'info'), 'debug');
});

test('a character that the limit cuts in two does not make a word shorter', () => {
  const line = (bytes: number): string => `${'x'.repeat(bytes - 4)} err`;
  assert.equal(levelOf(line(255), 'unknown'), 'error');
  assert.equal(levelOf(`${line(254)}\u00f6`, 'unknown'), 'unknown');
  assert.equal(levelOf(`${line(255)}or`, 'unknown'), 'error');
  assert.equal(levelOf(`${line(256)}`, 'unknown'), 'unknown');
});

test('priorities of the journal', () => {
  assert.deepEqual(
    [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1.5, NaN].map(levelOfPriority),
    'unknown critical critical critical error warning info info debug unknown unknown unknown'.split(' '),
  );
});

test('nothing behind the first bytes costs anything', () => {
  const lines = ['x:'.repeat(32_768), ' '.repeat(65_536), '\u{1f525}'.repeat(16_384), '[('.repeat(32_768)];
  const startMs = performance.now();
  for (let round = 0; round < 100; round++) for (const line of lines) levelOf(line, 'unknown');
  assert.ok(performance.now() - startMs < 200);
});
