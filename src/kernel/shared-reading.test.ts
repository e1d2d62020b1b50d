import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import type { TcpReading } from './tcp-program.ts';
import { sharedReading } from './shared-reading.ts';

test('all who read at the same time have the same; later ones a new one', async () => {
  let reads = 0;
  const read = sharedReading(async () => ({ walk: ++reads }) as TcpReading, 20);
  const [a, b] = await Promise.all([read(), read()]);
  assert.equal(a, b);
  assert.equal(await read(), a);
  await sleep(60);
  assert.equal((await read()).walk, 2);
});

test('one that fails fails for all, once', async () => {
  let reads = 0;
  const read = sharedReading(async () => {
    if (++reads === 1) throw new Error('odd');
    return { walk: reads } as TcpReading;
  });
  const both = [read(), read()];
  for (const each of both) await assert.rejects(each, /odd/);
  assert.equal((await read()).walk, 2);
});
