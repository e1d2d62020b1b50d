import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListedContainer } from '../model/containers.ts';
import { maxThreadsInAll, parseThread, procfsTasks } from './procfs-tasks.ts';

/** Text of /proc/<tid>/stat: fields 22 (start) and 42 (ticks of block I/O) as given. */
const stat = (started: number, ticks: number, command = 'sh'): string =>
  `7 (${command}) S ${Array.from({ length: 49 }, (_, i) => (i + 4 === 22 ? started : i + 4 === 42 ? ticks : 0)).join(' ')}\n`;

function machine() {
  const files = new Map<string, string>();
  const asked: string[] = [];
  const web: ListedContainer = {
    ...{ id: '/web', labels: {}, visible: true, wasThere: false, activity: { runs: 0 } },
    ...{ cgroups: [{ id: 1, path: '/web' }], topCgroups: [{ id: 1, path: '/web' }] },
  };
  const source = procfsTasks({
    containers: { all: () => [web] },
    hierarchy: { version: 2, hierarchyId: 0, mountPoint: '/m' },
    proc: '/p',
    read: (paths) => {
      asked.push(...paths);
      return Promise.resolve(paths.map((path) => files.get(path)));
    },
  });
  const run = (...threads: [tid: number, started: number, delay: number, ticks: number][]): void => {
    web.activity.runs++;
    files.set('/m/web/cgroup.threads', threads.map(([tid]) => `${tid}\n`).join(''));
    for (const [tid, started, delay, ticks] of threads)
      files.set(`/p/${tid}/stat`, stat(started, ticks)).set(`/p/${tid}/schedstat`, `9 ${delay} 3\n`);
  };
  return { source, run, files, asked };
}

const total = (runDelayNs: number, diskDelayNs: number) => [
  { cgroupId: 1, runDelayNs, diskDelayNs, execNs: 0 },
];

test('delays of living threads are summed and stay when they end; a thread id that is used again is another thread', async () => {
  const { source, run, asked } = machine();
  run([5, 100, 1000, 2], [6, 100, 500, 0]);
  assert.deepEqual(await source.read(), total(1500, 2e7));
  run([5, 100, 1200, 3]);
  assert.deepEqual(await source.read(), total(1700, 3e7));
  run([5, 900, 100, 1]);
  assert.deepEqual(await source.read(), total(1800, 4e7));
  asked.length = 0;
  assert.deepEqual(await source.read(), total(1800, 4e7));
  assert.deepEqual(asked, [], 'nothing has run');
  assert.deepEqual(source.take(1), total(1800, 4e7)[0]);
  assert.deepEqual(await source.read(), []);
});

test('a thread that a list lacks for a while is the same when it is back, also in another cgroup', async () => {
  const { source, run, files } = machine();
  run([5, 100, 1000, 0], [6, 100, 500, 0]);
  assert.deepEqual(await source.read(), total(1500, 0));
  // The list is not in time, or too long.
  run();
  assert.deepEqual(await source.read(), total(1500, 0));
  files.set('/m/web/cgroup.threads', '5\n6\n');
  run([5, 100, 1100, 0], [6, 100, 500, 0]);
  assert.deepEqual(await source.read(), total(1600, 0));
  // Really gone, and its number is another's.
  for (const name of ['stat', 'schedstat']) files.delete(`/p/6/${name}`);
  run([5, 100, 1100, 0]);
  assert.deepEqual(await source.read(), total(1600, 0));
  run([5, 100, 1100, 0], [6, 100, 7, 0]);
  assert.deepEqual(await source.read(), total(1607, 0));
});

test('threads that are gone, garbage and hostile commands count nothing', () => {
  assert.equal(parseThread(undefined, '1 2 3', 1), undefined);
  assert.equal(parseThread(stat(1, 2), undefined, 1), undefined);
  assert.equal(parseThread('7 (x', '1 2 3', 1), undefined);
  assert.equal(parseThread(stat(1, 2), 'no numbers', 1), undefined);
  assert.deepEqual(parseThread(stat(1, 2, ') S 1 2 ('), '1 2 3', 4), {
    ...{ started: '1', cgroupId: 4, runDelayNs: 2, diskDelayNs: 2e7 },
  });
});

test('a storm of threads is looked at up to a bound', async () => {
  const { source, run } = machine();
  run(...Array.from({ length: 3000 }, (_, i): [number, number, number, number] => [i + 1, 1, 1, 0]));
  assert.deepEqual(await source.read(), total(1024, 0));
  assert.ok(maxThreadsInAll > 1024);
});
