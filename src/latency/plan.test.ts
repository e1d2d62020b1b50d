import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Planner, type Plan, type Space } from './plan.ts';
import { space, talker } from './talker.fixture.ts';

/** Addresses by inode. */
function shown({ tasks }: Plan): Map<number, string[]> {
  return new Map(tasks.map(({ space: { inode }, addresses }) => [inode, [...addresses]]));
}

function planned(planner: Planner, spaces: readonly Space[]): Plan {
  const plan = planner.plan(spaces);
  for (const task of plan.tasks) planner.done(task);
  return plan;
}

test('what fits is pinged, once for all who share a namespace', () => {
  const spaces = [space(1, talker('/a', 3), talker('/b', 2)), space(2, talker('/c', 1))];
  const plan = new Planner({ ofContainer: 10, ofNode: 10 }).plan(spaces);
  assert.deepEqual(
    shown(plan),
    new Map([
      [1, ['10.0.0.0', '10.0.0.1', '10.0.0.2']],
      [2, ['10.0.0.0']],
    ]),
  );
  assert.equal(plan.refused, 0);
});

test('a container with too many has its turn address by address', () => {
  const planner = new Planner({ ofContainer: 2, ofNode: 10 });
  const spaces = [space(1, talker('/a', 5))];
  const rounds = Array.from({ length: 5 }, () => planned(planner, spaces));
  assert.deepEqual(
    rounds.map((plan) =>
      shown(plan)
        .get(1)!
        .map((address) => address.at(-1))
        .join(''),
    ),
    ['01', '23', '40', '12', '34'],
  );
  assert.ok(rounds.every(({ refused }) => refused === 3));
});

test('of too many containers those come first who have waited longest, in one namespace as in many', () => {
  const [a, b, c] = ['/a', '/b', '/c'].map((id, i) => talker(id, 4, i)) as [never, never, never];
  for (const spaces of [[space(1, a, b, c)], [space(1, a), space(2, b), space(3, c)]]) {
    const planner = new Planner({ ofContainer: 4, ofNode: 6 });
    const times = new Map<string, number>();
    for (let round = 0; round < 6; round++) {
      const plan = planned(planner, spaces);
      assert.equal(plan.refused, 6);
      for (const { addresses } of plan.tasks)
        for (const address of addresses) times.set(address, (times.get(address) ?? 0) + 1);
    }
    assert.equal(times.size, 12);
    assert.ok(
      times.values().every((count) => count >= 2 && count <= 4),
      [...times.values()].join(),
    );
  }
});

test('who was planned for and not pinged keeps the turn', () => {
  const planner = new Planner({ ofContainer: 2, ofNode: 2 });
  const spaces = [space(1, talker('/a', 2)), space(2, talker('/b', 2))];
  assert.deepEqual([...shown(planner.plan(spaces)).keys()], [1]);
  assert.deepEqual([...shown(planned(planner, spaces)).keys()], [1]);
  assert.deepEqual([...shown(planned(planner, spaces)).keys()], [2]);
});
