import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CgroupTimes } from '../kernel/tasks.ts';
import type { Container, ListedContainer } from '../model/containers.ts';
import { taskModel } from './tasks.ts';

const container = (id: string, successor?: Container): Container => ({
  ...{ id, labels: {}, visible: true },
  ...(successor && { successor }),
});

/** A model over times and owners by cgroup that the test sets; cgroups exist as long as they have an owner. */
function machine() {
  const times = new Map<number, CgroupTimes>();
  const owners = new Map<number, Container>();
  const gone = new Set<number>();
  const time = { ms: 0 };
  const refuse = { now: false };
  const model = taskModel({
    source: {
      read: () => Promise.resolve([...times.values()]),
      take(cgroupId) {
        if (refuse.now) throw new Error('not now');
        const last = times.get(cgroupId);
        times.delete(cgroupId);
        return last;
      },
    },
    directory: {
      byCgroup: (cgroupId) => owners.get(cgroupId),
      topOf: (cgroupId) => (owners.has(cgroupId) ? Math.trunc(cgroupId / 10) * 10 : undefined),
      all: () => [...new Set(owners.values())] as ListedContainer[],
      exists: (cgroupId) => owners.has(cgroupId) && !gone.has(cgroupId),
    },
    nowMs: () => time.ms,
  });
  const say = (cgroupId: number, execNs: number, runDelayNs = 0, diskDelayNs = 0): void =>
    void times.set(cgroupId, { cgroupId, execNs, runDelayNs, diskDelayNs });
  const used = (): string[] =>
    model.takeUsed().map((use) => `${use.container.id} ${use.topId} ${use.execNs}`);
  return { model, times, owners, gone, time, say, used, refuse };
}

test('waits are summed over the cgroups of a container; CPU time is told once, by its topmost cgroup', async () => {
  const { model, owners, say, used } = machine();
  const web = container('/web');
  for (const id of [10, 11, 20]) owners.set(id, web);
  say(10, 5, 1, 100);
  say(11, 7, 2, 200);
  say(20, 9, 4, 400);
  await model.update();
  assert.deepEqual(model.delaysOf(web), { runDelayNs: 7, diskDelayNs: 700 });
  assert.deepEqual(used(), ['/web 10 5', '/web 10 7', '/web 20 9']);
  say(11, 8, 3, 200);
  await model.update();
  assert.deepEqual(model.delaysOf(web), { runDelayNs: 8, diskDelayNs: 700 });
  assert.deepEqual(used(), ['/web 10 1']);
});

test('times of a cgroup whose owner comes to be known later are not lost', async () => {
  const { model, owners, say, used } = machine();
  say(10, 5, 1);
  await model.update();
  assert.deepEqual(used(), []);
  const web = container('/web');
  owners.set(10, web);
  await model.update();
  assert.deepEqual(used(), ['/web 10 5']);
  assert.deepEqual(model.delaysOf(web), { runDelayNs: 1, diskDelayNs: 0 });
});

test('a container that turns out to be another hands over all of its times', async () => {
  const { model, owners, gone, time, say, used } = machine();
  const named = container('/docker/web');
  const unnamed: { -readonly [key in keyof Container]: Container[key] } = container('/docker/0123');
  for (const id of [10, 20]) owners.set(id, unnamed);
  say(10, 5, 1);
  say(20, 7, 30);
  await model.update();
  assert.deepEqual(used(), ['/docker/0123 10 5', '/docker/0123 20 7']);
  // One has settled by then.
  gone.add(20);
  time.ms = 61_000;
  await model.update();
  unnamed.successor = named;
  for (const id of [10, 20]) owners.set(id, named);
  say(10, 6, 2);
  await model.update();
  assert.deepEqual(used(), ['/docker/web 10 1']);
  assert.deepEqual(model.delaysOf(named), { runDelayNs: 32, diskDelayNs: 0 });
  assert.deepEqual(model.delaysOf(unnamed), { runDelayNs: 0, diskDelayNs: 0 });
});

test('a cgroup that cannot be taken is left for the next time, and nothing that was told is lost', async () => {
  const { model, owners, gone, time, say, used, refuse } = machine();
  owners.set(10, container('/web'));
  owners.set(20, container('/db'));
  say(10, 5);
  say(20, 5);
  await model.update();
  gone.add(20);
  time.ms = 61_000;
  say(10, 100);
  refuse.now = true;
  await model.update();
  refuse.now = false;
  await model.update();
  assert.deepEqual(used(), ['/web 10 5', '/db 20 5', '/web 10 95']);
});

test('a cgroup that is gone is taken a minute after its last change, and counts on', async () => {
  const { model, times, owners, gone, time, say } = machine();
  const web = container('/web');
  owners.set(10, web);
  say(10, 5, 1);
  await model.update();
  gone.add(10);
  time.ms = 59_000;
  say(10, 6, 2);
  await model.update();
  time.ms = 118_000;
  await model.update();
  assert.ok(times.has(10), 'it changed less than a minute ago');
  time.ms = 120_000;
  await model.update();
  assert.ok(!times.has(10));
  assert.deepEqual(model.delaysOf(web), { runDelayNs: 2, diskDelayNs: 0 });
  // A task that was waited for until now: the kernel begins anew.
  say(10, 3, 4);
  await model.update();
  assert.deepEqual(model.delaysOf(web), { runDelayNs: 6, diskDelayNs: 0 });
});
