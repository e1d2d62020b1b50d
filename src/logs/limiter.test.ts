import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limiter } from './limiter.ts';

test('no more than so many at once, in order, also after failures', async () => {
  const limited = limiter(3);
  let running = 0;
  let most = 0;
  const begun: number[] = [];
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) =>
      limited(async () => {
        begun.push(i);
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        if (i % 4 === 0) throw new Error('no luck');
      }),
    ),
  );
  assert.deepEqual([most, running], [3, 0]);
  assert.deepEqual(begun, [...begun.keys()]);
  assert.equal(results.filter(({ status }) => status === 'rejected').length, 5);
});
