import assert from 'node:assert/strict';
import { test } from 'node:test';
import { likeness } from './likeness.ts';

test('one word may differ, wherever it stands', () => {
  for (let count = 0; count <= 7; count++) {
    const words = Array.from({ length: count }, (_, i) => `word-${i}`);
    const alike = likeness<string>();
    alike.add(words, 'found');
    assert.equal(alike.find(words), 'found');
    assert.equal(alike.find([...words, 'more']), undefined);
    for (let one = 0; one < count; one++) {
      assert.equal(alike.find(words.with(one, 'x')), 'found');
      for (let other = 0; other < one; other++)
        assert.equal(alike.find(words.with(one, 'x').with(other, 'y')), undefined);
    }
  }
});

test('the same words in another order are others', () => {
  const alike = likeness<string>();
  alike.add(['a', 'b', 'c'], 'found');
  assert.equal(alike.find(['b', 'a', 'c']), undefined);
});

test('words that are nearly the same are told apart', () => {
  const alike = likeness<number>();
  for (let i = 0; i < 20_000; i++) alike.add([`a-${i.toString(36)}`, `b-${i.toString(36)}`], i);
  for (let i = 0; i < 20_000; i += 97)
    assert.equal(alike.find([`a-${i.toString(36)}`, `b-${i.toString(36)}`]), i);
});
