import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import { backOffMs, Rounds } from './rounds.ts';

test('pauses grow from a second to five minutes, each up to twice as long by chance', () => {
  assert.equal(
    backOffMs(0, () => 0),
    1000,
  );
  assert.equal(
    backOffMs(0, () => 0.5),
    1500,
  );
  assert.equal(
    backOffMs(3, () => 0),
    8000,
  );
  assert.equal(
    backOffMs(1000, () => 0),
    150_000,
  );
  assert.ok(backOffMs(1000, () => 0.999) <= 300_000);
});

/** Lets promises go on without time. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function start(t: TestContext, fails: () => boolean) {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const time = { monotonic: 0, ahead: 0 };
  const seen = { rounds: 0, failures: 0, recoveries: 0 };
  const rounds = new Rounds({
    round: async () => {
      seen.rounds++;
      if (fails()) throw new Error('no');
    },
    clock: { now: () => time.monotonic + time.ahead, monotonic: () => time.monotonic },
    onFailing: () => seen.failures++,
    onRecovered: () => seen.recoveries++,
    random: () => 0,
  });
  t.after(() => {
    rounds.close();
    mock.timers.reset();
  });
  const pass = async (ms: number): Promise<void> => {
    await settle();
    time.monotonic += ms;
    mock.timers.tick(ms);
    await settle();
  };
  return { time, seen, pass, rounds };
}

test('a round at once, and one each hour', async (t) => {
  const { seen, pass, rounds } = start(t, () => false);
  await pass(3_599_000);
  assert.equal(seen.rounds, 1);
  await pass(1000);
  assert.equal(seen.rounds, 2);
  rounds.close();
  await pass(7_200_000);
  assert.equal(seen.rounds, 2);
});

test('failures are told of once, and again after a round that worked', async (t) => {
  let isDown = true;
  const { seen, pass } = start(t, () => isDown);
  for (const ms of [999, 1, 2000, 4000]) await pass(ms);
  assert.deepEqual(seen, { rounds: 4, failures: 1, recoveries: 0 });
  isDown = false;
  await pass(8000);
  isDown = true;
  await pass(3_600_000);
  assert.deepEqual(seen, { rounds: 6, failures: 2, recoveries: 1 });
  await pass(1000);
  assert.equal(seen.rounds, 7, 'pauses are short again');
});

test('a machine that has slept asks at once', async (t) => {
  const { time, seen, pass } = start(t, () => false);
  await pass(60_000);
  time.ahead = 9000;
  await pass(30_000);
  assert.equal(seen.rounds, 1, 'a clock that was set');
  time.ahead += 600_000;
  await pass(30_000);
  assert.equal(seen.rounds, 2);
  time.ahead -= 600_000;
  await pass(30_000);
  assert.equal(seen.rounds, 2);
});
