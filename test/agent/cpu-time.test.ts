/** CPU time of containers whose cgroups and tasks come to be known in any order, with everybody who takes part but the kernel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namingMeter } from '../../src/collector.fixture.ts';
import { Directory } from '../../src/containers/directory.ts';
import type { CgroupTimes } from '../../src/kernel/tasks.ts';
import { resourcesCollector } from '../../src/resources/collector.ts';
import { taskModel } from '../../src/resources/tasks.ts';

/** `usage` answers what is shown of `/lxc/web`; `files` and `tasks` say how many seconds a cgroup and its tasks have used. */
function machine() {
  const rules = { skipSystemServices: false, trackScopes: false, minAgeMs: 0, maxContainers: 5000 };
  const directory = new Directory(rules, { now: () => 0, monotonic: () => 0 });
  const times = new Map<number, CgroupTimes>();
  const texts = new Map<string, string>();
  const tasks = taskModel({
    source: { read: () => Promise.resolve([...times.values()]), take: () => undefined },
    directory,
    nowMs: () => 0,
  });
  const collector = resourcesCollector(namingMeter(), {
    containers: directory,
    controllers: { v1: {}, v2: '' },
    read: (paths) => Promise.resolve(paths.map((path) => texts.get(path))),
    tasks,
    onLook: (failure) => assert.equal(failure, undefined),
    nowMs: () => 0,
  });
  return {
    directory,
    texts,
    files: (path: string, seconds: number) =>
      texts.set(`${path}/cpu.stat`, `usage_usec ${seconds * 1e6}\n`).set(`${path}/memory.stat`, 'anon 1\n'),
    tasks: (cgroupId: number, seconds: number) =>
      times.set(cgroupId, { cgroupId, execNs: seconds * 1e9, runDelayNs: 0, diskDelayNs: 0 }),
    async usage(): Promise<number> {
      let usage = NaN;
      await collector.collect({
        observe: (metric, value) => {
          if ((metric as unknown as { name: string }).name.includes('cpu_usage')) usage = value;
        },
      });
      return usage;
    },
  };
}

test('a cgroup that is known before the one above it counts once', async () => {
  const { directory, files, tasks, usage } = machine();
  directory.add(2, '/lxc/web/child', 0);
  files('/lxc/web/child', 40);
  files('/lxc/web', 100);
  tasks(2, 40);
  assert.equal(await usage(), 40);
  directory.add(1, '/lxc/web', 0, true);
  assert.equal(await usage(), 100);
  files('/lxc/web', 110);
  tasks(2, 50);
  assert.equal(await usage(), 110);
});

test('files that do not come in time change nothing', async () => {
  const { directory, files, tasks, texts, usage } = machine();
  directory.add(1, '/lxc/web', 0, true);
  files('/lxc/web', 100);
  tasks(1, 95);
  assert.equal(await usage(), 100);
  tasks(1, 130);
  files('/lxc/web', 115);
  assert.equal(await usage(), 115);
  const all = new Map(texts);
  texts.clear();
  assert.equal(await usage(), 115);
  for (const [path, text] of all) texts.set(path, text);
  assert.equal(await usage(), 115);
});

test('what tasks used elsewhere before they came does not count when they end', async () => {
  for (const wasThere of [true, false]) {
    const { directory, files, tasks, texts, usage } = machine();
    directory.add(1, '/lxc/web', 0, wasThere);
    files('/lxc/web', 10);
    tasks(1, 500);
    assert.equal(await usage(), 10);
    tasks(1, 503);
    texts.clear();
    directory.remove(1);
    assert.equal(await usage(), 13);
  }
});
