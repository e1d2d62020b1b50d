import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lines } from './lines.ts';

function collect(maxBytes?: number) {
  const got: [string, number][] = [];
  const cut: number[] = [];
  const of = lines(
    (line, end) => got.push([line.toString('latin1'), end]),
    (bytes) => cut.push(bytes),
    maxBytes,
  );
  return { of, got, cut };
}

test('the pieces of a file give the same lines wherever it is torn', () => {
  const text = Buffer.from('one\n\ntwo\r\n\0three\0\n\xff\xfe\nrest', 'latin1');
  const truth: [string, number][] = [
    ['one', 4],
    ['', 5],
    ['two\r', 10],
    ['\0three\0', 18],
    ['\xff\xfe', 21],
  ];
  for (let size = 1; size <= text.length; size++) {
    const { of, got, cut } = collect();
    for (let at = 0; at < text.length; at += size) of.add(text.subarray(at, at + size), at);
    assert.deepEqual(got, truth);
    assert.equal(of.heldBytes, 4);
    of.end(text.length);
    of.end(text.length);
    assert.deepEqual(got, [...truth, ['rest', text.length]]);
    assert.deepEqual([of.heldBytes, cut], [0, []]);
  }
});

test('a line of any length is one line; what it is too long by is counted', () => {
  for (const size of [1, 3, 7, 100]) {
    const { of, got, cut } = collect(10);
    const text = Buffer.from(`${'a'.repeat(10)}\n${'b'.repeat(11)}\n${'c'.repeat(35)}\nd\n`);
    for (let at = 0; at < text.length; at += size) of.add(text.subarray(at, at + size), at);
    assert.deepEqual(got, [
      ['a'.repeat(10), 11],
      ['b'.repeat(10), 23],
      ['c'.repeat(10), 59],
      ['d', 61],
    ]);
    assert.deepEqual(cut, [1, 25]);
  }
});

test('a line of 1 MB is cut at 256 KiB', () => {
  const { of, got, cut } = collect();
  const mega = Buffer.alloc(1e6, 'x');
  for (let at = 0; at < mega.length; at += 65_536) of.add(mega.subarray(at, at + 65_536), at);
  assert.equal(of.heldBytes, 1e6);
  of.add(Buffer.from('\nnext\n'), 1e6);
  assert.deepEqual(
    got.map(([line, end]) => [line.length, end]),
    [
      [262_144, 1e6 + 1],
      [4, 1e6 + 6],
    ],
  );
  assert.deepEqual(cut, [1e6 - 262_144]);
});
