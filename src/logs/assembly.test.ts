import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assembly, type Assembly, type Message } from './assembly.ts';

function started(options?: { maxBytes?: number; silenceMs?: number }): {
  stream: Assembly;
  messages: Message[];
} {
  const messages: Message[] = [];
  return { stream: assembly((message) => messages.push(message), options), messages };
}

test('a message ends with the next one, and tells where it ended', () => {
  const { stream, messages } = started();
  for (const [index, line] of ['ERROR a', '\tat b', '', 'INFO c'].entries())
    stream.add(line, 'unknown', index + 1, 0);
  assert.deepEqual(messages, [{ text: 'ERROR a\n\tat b', level: 'error', end: 3 }]);
  assert.ok(stream.isOpen);
  stream.flush();
  assert.deepEqual(messages[1], { text: 'INFO c', level: 'info', end: 4 });
  assert.ok(!stream.isOpen);
  stream.flush();
  assert.equal(messages.length, 2);
});

test('silence ends it, counted from its last line', () => {
  const { stream, messages } = started({ silenceMs: 500 });
  stream.add('a', 'unknown', 1, 1000);
  stream.add('  b', 'unknown', 2, 1400);
  stream.expire(1899);
  assert.equal(messages.length, 0);
  stream.expire(1900);
  assert.deepEqual(messages, [{ text: 'a\n  b', level: 'unknown', end: 2 }]);
});

test('an empty line begins nothing, white space does', () => {
  const { stream, messages } = started();
  stream.add('', 'error', 1, 0);
  assert.ok(!stream.isOpen);
  stream.add('   ', 'error', 2, 0);
  stream.flush();
  assert.deepEqual(messages, [{ text: '', level: 'unknown', end: 2 }]);
});

test('the level of the source is that of the first line', () => {
  const { stream, messages } = started();
  stream.add('a', 'warning', 1, 0);
  stream.add('  b', 'error', 2, 0);
  stream.flush();
  assert.equal(messages[0]!.level, 'warning');
});

test('a message has a size, and what is over it is counted', () => {
  const { stream, messages } = started({ maxBytes: 10 });
  stream.add('1234', 'unknown', 1, 0);
  stream.add('\t\u00e9\u00e9\u00e9', 'unknown', 2, 0);
  assert.equal(stream.cutLines, 1);
  stream.add('\tmore', 'unknown', 3, 0);
  stream.add('next', 'unknown', 4, 0);
  assert.deepEqual(messages, [{ text: '1234\n\t\u00e9\u00e9', level: 'unknown', end: 3 }]);
  assert.equal(stream.cutLines, 2);
  stream.add('\tfits', 'unknown', 5, 0);
  stream.flush();
  assert.equal(messages[1]!.text, 'next\n\tfits');
  assert.equal(stream.cutLines, 2);
});

test('a message without end takes no more memory and time than its size', () => {
  const { stream, messages } = started();
  stream.add('begin', 'unknown', 0, 0);
  const startMs = performance.now();
  for (let line = 1; line <= 200_000; line++) stream.add('  and so on', 'unknown', line, 0);
  stream.flush();
  assert.ok(performance.now() - startMs < 1000);
  assert.ok(Buffer.byteLength(messages[0]!.text) <= 65_536);
  assert.equal(messages[0]!.end, 200_000);
});
