import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSpace, trimmed } from './space.ts';

test('white space is what Unicode says', () => {
  for (let code = 0; code < 0x1_0000; code++)
    assert.equal(isSpace(code), /\p{White_Space}/u.test(String.fromCharCode(code)), code.toString(16));
});

test('both ends are trimmed', () => {
  assert.equal(trimmed('\u0085 \ta b\u3000\r'), 'a b');
  assert.equal(trimmed('\ufeffa'), '\ufeffa');
  assert.equal(trimmed(' \t'), '');
});
