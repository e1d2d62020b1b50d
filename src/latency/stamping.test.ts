import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stamping } from './stamping.ts';

test('the kernel stamps while rounds go on, and not for long after', async () => {
  const told: boolean[] = [];
  const stamping = new Stamping({ stampReceived: (on) => told.push(on) }, 400);
  for (let round = 0; round < 4; round++) {
    assert.ok(await stamping.begin());
    await sleep(150);
  }
  assert.deepEqual(told, [true]);
  while (told.length < 2) await sleep(20);
  assert.deepEqual(told, [true, false]);
  assert.ok(await stamping.begin());
  stamping.close();
  stamping.close();
  assert.deepEqual(told, [true, false, true, false]);
  assert.equal(await stamping.begin(), false);
});
