import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PingBatch } from '../native/addon.ts';
import { CpuBudget } from './budget.ts';
import { Planner } from './plan.ts';
import { pingAll, type RoundDeps } from './round.ts';
import { space, talker } from './talker.fixture.ts';

const inodeOf = (path: string | null): number => Number(/\d+/.exec(path ?? '')?.[0]);

/** Everybody answers in as many milliseconds as the last byte says, and 13 not at all. */
function answering(...[path, targets]: Parameters<RoundDeps['addon']['ping']>): PingBatch {
  const last = Array.from({ length: targets.length / 16 }, (_, i) => targets[16 * i + 15]!);
  return {
    errors: Int32Array.from(last, (byte) => (byte === 13 ? 110 : 0)),
    roundTripNs: Float64Array.from(last, (byte) => byte * 1e6),
    namespaceInode: inodeOf(path),
    cpuNs: 1e6,
  };
}

function deps(ping: RoundDeps['addon']['ping'], nowMs = (): number => 0, budgetNs = 1e9): RoundDeps {
  const planner = new Planner({ ofContainer: 256, ofNode: 4096 });
  return { addon: { ping }, planner, budget: new CpuBudget(0.1, budgetNs, nowMs), nowMs };
}

test('who answers has seconds, for each container that asks', async () => {
  const [a, b] = [talker('/a', 15), talker('/b', 2)];
  const { answers, refused } = await pingAll(
    [space(7, a, b)],
    deps(async (...args) => answering(...args)),
  );
  assert.deepEqual(
    answers.get(b.container),
    new Map([
      ['10.0.0.0', 0],
      ['10.0.0.1', 0.001],
    ]),
  );
  assert.equal(answers.get(a.container)?.size, 14);
  assert.ok(!answers.get(a.container)?.has('10.0.0.13'));
  assert.equal(refused, 0);
});

test('a namespace that is gone or another has no answers, and costs the others none', async () => {
  const [a, b, c] = [talker('/a', 1), talker('/b', 1), talker('/c', 1)];
  const ping: RoundDeps['addon']['ping'] = async (path, targets, limitMs) => {
    if (inodeOf(path) === 1) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
    return { ...answering(path, targets, limitMs), namespaceInode: 3 };
  };
  const { answers } = await pingAll([space(1, a), space(2, b), space(3, c)], deps(ping));
  assert.deepEqual(
    [a, b, c].map(({ container }) => answers.get(container)?.size),
    [0, 0, 1],
  );
});

test('a few namespaces at once', async () => {
  let [now, most] = [0, 0];
  const spaces = Array.from({ length: 40 }, (_, i) => space(i, talker(`/${i}`, 1)));
  const ping: RoundDeps['addon']['ping'] = async (...args) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
    return answering(...args);
  };
  const { answers } = await pingAll(spaces, deps(ping));
  assert.equal(answers.size, 40);
  assert.equal(most, 8);
});

test('without CPU time or time left the others wait, are counted and come first', async () => {
  const time = { ms: 0 };
  const spaces = Array.from({ length: 20 }, (_, i) => space(i, talker(`/${i}`, 3)));
  for (const spent of ['cpu', 'time']) {
    const asked = new Set<number>();
    const slow: RoundDeps['addon']['ping'] = async (path, targets, limitMs) => {
      asked.add(inodeOf(path));
      await new Promise((resolve) => setImmediate(resolve));
      if (spent === 'time') time.ms += 6000;
      return { ...answering(path, targets, limitMs), cpuNs: spent === 'cpu' ? 1e9 : 0 };
    };
    const round = deps(slow, () => time.ms);
    const { answers, refused } = await pingAll(spaces, round);
    assert.equal(answers.size, 8, spent);
    assert.equal(refused, 12 * 3);
    time.ms += 1e6;
    const first = new Set(asked);
    asked.clear();
    await pingAll(spaces, round);
    assert.ok(asked.values().every((inode) => !first.has(inode)));
    time.ms += 1e6;
  }
});
