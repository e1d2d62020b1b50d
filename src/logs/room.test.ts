import assert from 'node:assert/strict';
import { test } from 'node:test';
import { room, shares } from './room.ts';

test('nobody takes more than its share, and all together no more than there is', () => {
  const of = shares(room(100), 40);
  const [a, again, b, c] = ['a', 'a', 'b', 'c'].map(of) as [
    ReturnType<typeof of>,
    ...ReturnType<typeof of>[],
  ];
  assert.deepEqual([a.take(30), again!.take(11), again!.take(10)], [true, false, true]);
  assert.deepEqual([b!.take(40), c!.take(21), c!.take(20)], [true, false, true]);
  a.give(30);
  assert.deepEqual([c!.take(20), again!.take(10), again!.take(1)], [true, true, false]);
});
