import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cgroup, Container, ListedContainer } from '../model/containers.ts';
import { oomModel } from './model.ts';

interface Fake extends ListedContainer {
  cgroups: Cgroup[];
  topCgroups: Cgroup[];
  successor?: Container;
}

let lastId = 100;
const cgroup = (path: string): Cgroup => ({ id: ++lastId, path });

/** Sets its cgroups, of which the first is the topmost one; each call makes new ones. */
function put(container: Fake, ...paths: string[]): void {
  container.cgroups = paths.map(cgroup);
  container.topCgroups = container.cgroups.slice(0, 1);
}

function fake(id: string, path: string | undefined, wasThere = false): Fake {
  const labels = { container_id: id, app_id: '' };
  const made = { id, labels, visible: true, cgroups: [], topCgroups: [], wasThere, activity: { runs: 0 } };
  put(made, ...(path === undefined ? [] : [path]));
  return made;
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
    const [old, fresh] = [fake('/old', '/old', true), fake('/new', '/new')];
    const { said, update } = machine(version, [old, fresh]);
    said.set('/old', 7).set('/new', 2);
    assert.deepEqual(await update(), { '/new': 2 });
    said.set('/old', 8);
    assert.deepEqual(await update(), { '/old': 1, '/new': 2 });
    // The same unit in a new cgroup of the same path, with as many kills.
    put(fresh, '/new');
    assert.deepEqual(await update(), { '/old': 1, '/new': 4 });
    // The old one, too: what its new cgroup counts is new.
    put(old, '/old');
    said.set('/old', 1);
    assert.deepEqual(await update(), { '/old': 2, '/new': 4 });
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
    put(all[0]!);
    assert.deepEqual(await update(), { '/web': 3 });
    // Back with one kill more, which a new cgroup counts from 0.
    put(all[0]!, '/web');
    said.set('/web', 3);
    assert.deepEqual(await update(), { '/web': 6 });
    all.pop();
    assert.deepEqual(await update(), {});
  });
}

test('v1: cgroups inside count, and stay counted when they are gone', async () => {
  const web = fake('/web', '/web');
  put(web, '/web', '/web/a', '/web/b');
  const { said, update } = machine(1, [web]);
  said.set('/web', 0).set('/web/a', 1).set('/web/b', 2);
  assert.deepEqual(await update(), { '/web': 3 });
  web.cgroups = web.cgroups.filter(({ path }) => path !== '/web/a');
  said.set('/web/b', 3);
  assert.deepEqual(await update(), { '/web': 4 });
});

test('v2: kills of a container inside another are its own, also once it is gone and when it is back', async () => {
  const [outer, inner] = [fake('/outer', '/outer'), fake('/inner', '/outer/inner')];
  const { said, update } = machine(2, [inner, outer]);
  said.set('/outer', 3).set('/outer/inner', 2);
  assert.deepEqual(await update(), { '/outer': 1, '/inner': 2 });
  put(inner);
  assert.deepEqual(await update(), { '/outer': 1, '/inner': 2 });
  put(inner, '/outer/inner');
  said.set('/outer', 5).set('/outer/inner', 1);
  assert.deepEqual(await update(), { '/outer': 2, '/inner': 3 });
  put(inner);
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

test('v2: containers under one id count each of their cgroups once, in whatever order these go', async () => {
  const job = fake('/job', undefined);
  const [one, two] = [cgroup('/one'), cgroup('/two')];
  const { said, update } = machine(2, [job]);
  said.set('/one', 3).set('/two', 1);
  for (const [tops, kills] of [
    [[one], 3],
    [[one, two], 4],
    [[one], 4],
    [[], 4],
  ] as const) {
    job.cgroups = job.topCgroups = [...tops];
    assert.deepEqual(await update(), { '/job': kills });
  }
});

test('v2: what lies inside is told by whole names', async () => {
  const all = [fake('/outer', '/a'), fake('/beside', '/a-b'), fake('/inner', '/a/x')];
  const { said, update } = machine(2, all);
  said.set('/a', 3).set('/a-b', 1).set('/a/x', 2);
  assert.deepEqual(await update(), { '/outer': 1, '/beside': 1, '/inner': 2 });
});
