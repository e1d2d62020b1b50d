import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cardIn } from './card.ts';

test('numbers of cards have their check digit', () => {
  for (const text of [
    '4111111111111111',
    '4111 1111 1111 1111',
    '5500-0000-0000-0004',
    '378282246310005',
    '2223000048400011',
  ])
    assert.equal(cardIn(text), text.length, text);
  for (const text of ['', '4111111111111112', '1930000000123456789', '411111111111', '4111 1111 1111'])
    assert.equal(cardIn(text), 0, text);
});

test('what follows a card is not of it', () => {
  assert.equal(cardIn('4111 1111 1111 1111 25'), 19);
  assert.equal(cardIn('4111111111111111 4111111111111111'), 16);
});
