import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Traffic } from './diag.ts';
import { trafficSums, type TrafficSums } from './traffic.ts';

const socket = (cookie: string, bytesSent: number, bytesReceived = 0, retransmits = 0): Traffic => ({
  cookie,
  bytesSent,
  bytesReceived,
  retransmits,
});
const shown = ({ sums }: TrafficSums): unknown[] =>
  [...sums].map(([key, { bytesSent, bytesReceived, retransmits, lastNs }]) => [
    key,
    bytesSent,
    bytesReceived,
    retransmits,
    lastNs,
  ]);

test('by how much connections have grown; what those of the first look had before does not count', () => {
  const traffic = trafficSums();
  traffic.update([['a', socket('1', 1000, 500)]], 1);
  assert.deepEqual(shown(traffic), [['a', 0, 0, 0, 1]]);
  traffic.update(
    [
      ['a', socket('1', 1010, 505, 2)],
      ['a', socket('2', 7, 8)],
      ['b', socket('3', 1)],
    ],
    2,
  );
  assert.deepEqual(shown(traffic), [
    ['a', 17, 13, 2, 2],
    ['b', 1, 0, 0, 2],
  ]);
  traffic.update([['b', socket('3', 0)]], 3); // a figure that fell
  assert.deepEqual(shown(traffic), [
    ['a', 17, 13, 2, 2],
    ['b', 1, 0, 0, 3],
  ]);
  assert.equal(traffic.take('a')?.bytesSent, 17);
  assert.equal(traffic.take('a'), undefined);
  traffic.update([['b', socket('3', 2)]], 4);
  assert.deepEqual(shown(traffic), [['b', 3, 0, 0, 4]]);
});

test('no more keys than the bound', () => {
  const traffic = trafficSums(2);
  traffic.update([], 1);
  traffic.update(
    ['a', 'b', 'c'].map((key) => [key, socket(key, 5)] as const),
    2,
  );
  assert.deepEqual([...traffic.sums.keys()], ['a', 'b']);
  traffic.take('a');
  traffic.update([['c', socket('c', 9)]], 3);
  assert.equal(traffic.sums.get('c')?.bytesSent, 4);
});
