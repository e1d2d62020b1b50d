import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overflow, patterns, type Patterns, type PatternsOptions } from './patterns.ts';
import { room } from './room.ts';

const letters = (number: number): string =>
  [...String(number)].map((digit) => 'ghijklmnop'[Number(digit)]).join('');
/** Differs from every other in two words. */
const unlike = (number: number): string => `ERROR pump-${letters(number)} broke valve-${letters(number)}`;

function started(options: Partial<PatternsOptions> = {}): Patterns {
  return patterns({ limit: 256, maxSampleBytes: 4096, mask: (text) => text, room: room(1e6), ...options });
}

test('only what is bad is told apart', () => {
  const stream = started();
  assert.equal(stream.count('info', 'one'), '');
  assert.equal(stream.count('info', 'two'), '');
  const hash = stream.count('error', 'pump 1 stalled');
  assert.equal(stream.count('error', 'pump 2 stalled'), hash);
  assert.notEqual(stream.count('warning', 'lamp is broken'), hash);
  assert.deepEqual(
    [...stream.counters()].map(({ level, sample, messages }) => [level, sample, messages]),
    [
      ['info', '', 2],
      ['error', 'pump 1 stalled', 2],
      ['warning', 'lamp is broken', 1],
    ],
  );
});

test('counters are the same objects and go on counting', () => {
  const stream = started();
  stream.count('error', 'a b c');
  const [before] = stream.counters();
  stream.count('error', 'a b c');
  const [after] = stream.counters();
  assert.equal(before, after);
  assert.equal(before!.messages, 2);
});

test('over the limit messages are counted together, and as refused', () => {
  const stream = started({ limit: 10 });
  for (let i = 0; i < 25; i++) stream.count('error', unlike(i));
  const counters = [...stream.counters()];
  assert.equal(counters.length, 11);
  assert.deepEqual(counters.at(-1), { level: 'error', ...overflow, messages: 15 });
  assert.equal(stream.refused, 15);
  assert.equal(
    counters.reduce((sum, { messages }) => sum + messages, 0),
    25,
  );
});

test('streams share the room for samples, and give it back', () => {
  const shared = room(4 * 1024);
  const options = { maxSampleBytes: 512, room: shared };
  const [one, other] = [started(options), started(options)];
  for (let i = 0; i < 100; i++) one.count('error', unlike(i));
  const kept = [...one.counters()].length - 1;
  assert.ok(kept >= 4 && kept < 10, String(kept));
  assert.equal(other.count('error', unlike(0)), overflow.hash);
  one.close();
  assert.deepEqual([...one.counters()], []);
  assert.notEqual(other.count('error', unlike(1)), overflow.hash);
  other.close();
  assert.ok(shared.take(4 * 1024));
});

test('a sample is masked, then cut to whole characters', () => {
  const stream = started({ maxSampleBytes: 20, mask: (text) => text.replaceAll('secret', '***') });
  stream.count('error', 'a secret and \u{1f525}\u{1f525}\u{1f525}');
  assert.equal([...stream.counters()][0]!.sample, 'a *** and \u{1f525}\u{1f525}');
});

test('a secret that the end of the sample cuts is masked before', () => {
  const stream = started({ maxSampleBytes: 20, mask: (text) => text.replace(/4{16}/g, '***') });
  stream.count('error', `${'x'.repeat(10)} ${'4'.repeat(16)}`);
  assert.equal([...stream.counters()][0]!.sample, 'xxxxxxxxxx ***');
});

test('a long message that masks make short does not end in half a secret', () => {
  const mask = (text: string): string => text.replaceAll('s'.repeat(100), '').replace(/4{16}/g, '***');
  const stream = started({ maxSampleBytes: 1000, mask });
  stream.count('error', `${'s'.repeat(3000)} ${'x'.repeat(40)} ${'4'.repeat(16)} rest`);
  assert.doesNotMatch([...stream.counters()][0]!.sample, /4/);
});
