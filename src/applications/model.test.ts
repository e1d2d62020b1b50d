import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ListedContainer } from '../model/containers.ts';
import { applicationModel } from './model.ts';

/** A machine with processes as the test says, and one container; `look` answers its types and the files that were read. */
async function machine(t: TestContext) {
  const proc = await mkdtemp(join(tmpdir(), 'applications-'));
  t.after(() => rm(proc, { recursive: true }));
  const texts = new Map<string, string>();
  const time = { ms: 0 };
  const asked: string[] = [];
  const read = (paths: readonly string[]): Promise<(string | undefined)[]> => {
    asked.push(...paths);
    return Promise.resolve(paths.map((path) => texts.get(path)));
  };
  const web: ListedContainer = {
    ...{ id: '/web', labels: {}, visible: true, wasThere: false },
    ...{ cgroups: [{ id: 1, path: '/web' }], topCgroups: [{ id: 1, path: '/web' }] },
    activity: { runs: 0 },
  };
  const model = applicationModel({ mountPoint: '/m', proc, read, readLines: read, nowMs: () => time.ms });
  const look = async (): Promise<{ types: string[]; files: number }> => {
    asked.length = 0;
    await model.update([web]);
    return { types: [...model.of(web)], files: asked.length };
  };
  const run = (...processes: [pid: number, line: string][]): void => {
    web.activity.runs++;
    texts.set('/m/web/cgroup.procs', processes.map(([pid]) => `${pid}\n`).join(''));
    for (const [pid, line] of processes) texts.set(`${proc}/${pid}/cmdline`, line);
  };
  return { proc, time, look, run, texts };
}

test('types of the living processes; who does nothing is not looked at once its processes have settled', async (t) => {
  const { time, look, run } = await machine(t);
  run([1, '/bin/sh\0-c\0x\0'], [2, 'nginx: master process nginx\0'], [3, 'nginx: worker process\0']);
  assert.deepEqual(await look(), { types: ['nginx'], files: 4 });
  // A process becomes another one in its first minute.
  run([1, 'redis-server *:6379\0'], [2, 'nginx: master process nginx\0']);
  assert.deepEqual(await look(), { types: ['redis', 'nginx'], files: 3 });
  time.ms = 60_000;
  assert.deepEqual(await look(), { types: ['redis', 'nginx'], files: 1 });
  assert.deepEqual(await look(), { types: ['redis', 'nginx'], files: 0 });
  run([1, 'redis-server *:6379\0']);
  assert.deepEqual(await look(), { types: ['redis'], files: 1 });
  run();
  assert.deepEqual(await look(), { types: [], files: 1 });
});

test('a script that hides its interpreter is known by the file of the program', async (t) => {
  const { proc, look, run } = await machine(t);
  await mkdir(join(proc, '7'));
  await symlink('/usr/bin/python3.12', join(proc, '7/exe'));
  run([7, 'my worker\0']);
  assert.deepEqual((await look()).types, ['python']);
});

test('what makes no sense is nobody: no such process, no pids, thousands of them', async (t) => {
  const { texts, look, run } = await machine(t);
  run([1, '']);
  assert.deepEqual((await look()).types, []);
  run();
  texts.set('/m/web/cgroup.procs', '../../etc\n0\n-1\nabc\n');
  assert.deepEqual(await look(), { types: [], files: 1 });
  run(...Array.from({ length: 1000 }, (_, i): [number, string] => [i + 1, 'nginx\0']));
  assert.deepEqual(await look(), { types: ['nginx'], files: 257 });
});
