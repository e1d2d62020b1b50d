import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lives } from './lives.ts';

test('who dies soon is waited for longer, up to a minute; who has lived for long is not', () => {
  let nowMs = 0;
  const life = lives(() => nowMs);
  const live = (ms: number): number => {
    life.begin();
    nowMs += ms;
    return life.end();
  };
  assert.deepEqual(
    [1, 2, 3].map(() => live(100)),
    [1000, 2000, 4000],
  );
  assert.ok(life.isDoomed);
  for (let i = 0; i < 10; i++) live(100);
  assert.equal(live(100), 60_000);
  assert.equal(live(60_000), 1000);
  assert.ok(!life.isDoomed);
});
