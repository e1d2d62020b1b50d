import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasTimestamp } from './timestamp.ts';

test('a time of day is found in the first hundred bytes', () => {
  for (const line of [
    '11:22:33',
    '2031-01-02T11:22:33.5Z x',
    'mac 00:11:22:33',
    '11::22:33',
    '11122:33:44',
    '11:22:3:44',
  ])
    assert.ok(hasTimestamp(line), line);
  for (const line of [
    '',
    '11:22',
    '111:22:33',
    '1111:22:33',
    '11:22: 33',
    '11:22.33',
    '\u0661\u0661:22:33:4',
  ])
    assert.ok(!hasTimestamp(line), line);
});

test('bytes are counted, not characters', () => {
  for (const part of ['x', '\u00e9', '\u65e5', '\u{1f525}']) {
    const width = Buffer.byteLength(part);
    const fill = part.repeat(Math.floor(92 / width)) + 'x'.repeat(92 % width);
    assert.ok(hasTimestamp(`${fill}11:22:33`), part);
    assert.ok(!hasTimestamp(`${fill}x11:22:3 11:22:33`), part);
  }
});
