import { test } from 'node:test';
import { onlyVirtual } from '../nodes/virtual.ts';
import { machineClock } from './clock.ts';
import { assertHolds, holds, steps } from './stepping.ts';

for (const [what, ms] of steps)
  test(`the machine's clock is stepped ${what}: ${holds}`, { skip: onlyVirtual }, async (t) =>
    assertHolds(t, machineClock(t), ms),
  );
