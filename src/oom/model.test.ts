import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, ListedContainer } from '../model/containers.ts';
import { oomModel } from './model.ts';

interface Fake extends ListedContainer {
  cgroup: string | undefined;
  cgroups: string[];
  successor?: Container;
}

function fake(id: string, cgroup: string | undefined, firstSeenMs = 1): Fake {
  const labels = { container_id: id, app_id: '' };
  return {
    id,
    labels,
    visible: true,
    cgroup,
    cgroups: cgroup === undefined ? [] : [cgroup],
    firstSeenMs,
    activity: { runs: 0 },
  };
}

/** A machine with these containers; the test sets what the cgroups say, and by which id they are found. */
function machine(version: 1 | 2, containers: Fake[], told = false) {
  const said = new Map<string, number>();
  const byCgroup = new Map<number, Container>();
  const time = { ms: 0 };
  const file = version === 1 ? 'memory.oom_control' : 'memory.events';
  const model = oomModel({
    containers: { all: () => containers, byCgroup: (id) => byCgroup.get(id) },
    controllers: version === 1 ? { v1: { memory: '/m' }, v2: '/v2' } : { v1: {}, v2: '/m' },
    read: (paths) =>
      Promise.resolve(
        paths.map((path) => {
          const kills = said.get(path.slice('/m'.length, -file.length - 1));
          return kills === undefined ? undefined : `oom 9\noom_kill ${kills}\noom_group_kill 0\n`;
        }),
      ),
    nowMs: () => time.ms,
    isTold: () => told,
  });
  const update = async (): Promise<Record<string, number>> => {
    await model.update();
    return Object.fromEntries([...model.kills()].map(([{ id }, kills]) => [id, kills]));
  };
  return { model, said, byCgroup, time, update };
}

for (const version of [1, 2] as const) {
  test(`v${version}: what was there before the agent does not count; what came later counts from its start`, async () => {
    const [old, fresh] = [fake('/old', '/old', -1), fake('/new', '/new')];
    const { said, update } = machine(version, [old, fresh]);
    said.set('/old', 7).set('/new', 2);
    assert.deepEqual(await update(), { '/new': 2 });
    said.set('/old', 8);
    assert.deepEqual(await update(), { '/old': 1, '/new': 2 });
    // The same unit in a new cgroup of the same path.
    said.set('/new', 1);
    assert.deepEqual(await update(), { '/old': 1, '/new': 3 });
  });

  test(`v${version}: the larger of what the kernel told and what the cgroups say`, async () => {
    const web = fake('/web', '/web');
    const { model, said, byCgroup, update } = machine(version, [web]);
    byCgroup.set(11, web);
    model.onKills([11, 11]);
    assert.deepEqual(await update(), { '/web': 2 });
    said.set('/web', 3);
    assert.deepEqual(await update(), { '/web': 3 });
    model.onKills([11, 11, 11]);
    assert.deepEqual(await update(), { '/web': 5 });
  });

  test(`v${version}: a container that ended keeps its kills, one that is forgotten goes`, async () => {
    const all = [fake('/web', '/web')];
    const { said, update } = machine(version, all);
    said.set('/web', 3);
    await update();
    Object.assign(all[0]!, { cgroup: undefined, cgroups: [] });
    assert.deepEqual(await update(), { '/web': 3 });
    // Back with one kill more, which a new cgroup counts from 0.
    Object.assign(all[0]!, { cgroup: '/web', cgroups: ['/web'] });
    said.set('/web', 3);
    assert.deepEqual(await update(), { '/web': 6 });
    all.pop();
    assert.deepEqual(await update(), {});
  });
}

test('v1: cgroups inside count, and stay counted when they are gone', async () => {
  const web = fake('/web', '/web');
  web.cgroups = ['/web', '/web/a', '/web/b'];
  const { said, update } = machine(1, [web]);
  said.set('/web', 0).set('/web/a', 1).set('/web/b', 2);
  assert.deepEqual(await update(), { '/web': 3 });
  web.cgroups = ['/web', '/web/b'];
  said.set('/web/b', 3);
  assert.deepEqual(await update(), { '/web': 4 });
});

test('v2: kills of a container inside another are its own, also once it is gone and when it is back', async () => {
  const [outer, inner] = [fake('/outer', '/outer'), fake('/inner', '/outer/inner')];
  const { said, update } = machine(2, [inner, outer]);
  said.set('/outer', 3).set('/outer/inner', 2);
  assert.deepEqual(await update(), { '/outer': 1, '/inner': 2 });
  inner.cgroup = undefined;
  assert.deepEqual(await update(), { '/outer': 1, '/inner': 2 });
  inner.cgroup = '/outer/inner';
  said.set('/outer', 5).set('/outer/inner', 1);
  assert.deepEqual(await update(), { '/outer': 2, '/inner': 3 });
  inner.cgroup = undefined;
  said.set('/outer', 6);
  assert.deepEqual(await update(), { '/outer': 3, '/inner': 3 });
});

test('kills wait for their container for a minute; then they are nobody’s', async () => {
  const web = fake('/web', '/web');
  const { model, byCgroup, time, update } = machine(2, [web]);
  model.onKills([11, 12, 0]);
  assert.deepEqual([await update(), model.unattributed()], [{}, 1]);
  byCgroup.set(11, web);
  assert.deepEqual(await update(), { '/web': 1 });
  time.ms = 60_001;
  await update();
  assert.equal(model.unattributed(), 2);
});

test('only so many kills wait', async () => {
  const { model, update } = machine(2, []);
  model.onKills(Array.from({ length: 1030 }, (_, i) => i + 1));
  await update();
  assert.equal(model.unattributed(), 6);
});

test('what was told of a container that turned out to be another is that one’s', async () => {
  const [unnamed, web] = [fake('/docker/a1', undefined), fake('/docker/web', '/web')];
  const all = [unnamed];
  const { model, byCgroup, update } = machine(2, all);
  byCgroup.set(11, unnamed);
  model.onKills([11]);
  assert.deepEqual(await update(), { '/docker/a1': 1 });
  unnamed.successor = web;
  all.splice(0, 1, web);
  assert.deepEqual(await update(), { '/docker/web': 1 });
});

test('while the kernel tells, the cgroups are asked once a minute', async () => {
  const web = fake('/web', '/web');
  const { said, time, update } = machine(2, [web], true);
  assert.deepEqual(await update(), {});
  said.set('/web', 1);
  assert.deepEqual(await update(), {});
  time.ms = 60_000;
  assert.deepEqual(await update(), { '/web': 1 });
});
