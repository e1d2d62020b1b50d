import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copied, cut, fitting, widthAt } from './utf8.ts';

test('widths are those of the encoder', () => {
  for (const text of ['x', '\u00e9', '\u65e5', '\u{1f525}', '\ud83d', '\udd25', '\ud83dx'])
    assert.equal(widthAt(text, 0), Buffer.byteLength(text) - (text.length > 1 && text.endsWith('x') ? 1 : 0));
});

test('only whole characters are kept', () => {
  const text = 'a\u00e9\u65e5\u{1f525}b';
  assert.deepEqual(
    Array.from({ length: 12 }, (_, bytes) => Buffer.byteLength(cut(text, bytes))),
    [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11],
  );
  assert.equal(fitting(text, 100), text.length);
  assert.equal(cut(text, 11), text);
});

test('a copy reads the same', () => {
  assert.equal(copied('a\u00e9\u65e5\u{1f525}'), 'a\u00e9\u65e5\u{1f525}');
});
