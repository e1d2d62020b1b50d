/** Times of tasks by cgroup, by every object that this kernel can run. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { Features } from '../../src/features.ts';
import { startTasks, type CgroupTimes, type TaskLimits, type TaskProgram } from '../../src/kernel/tasks.ts';
import { workProgram } from '../containers/tree.ts';
import {
  addon,
  atLeast,
  bpfObject,
  hierarchy,
  makeCgroup,
  paths,
  skip,
  until,
  type Cgroup,
} from './machine.ts';

async function startWith(
  t: TestContext,
  only: 'tasks' | 'tasks_plain',
  limits: TaskLimits = {},
): Promise<TaskProgram> {
  const features = new Features();
  const readObject = (name: string): Promise<Uint8Array> => Promise.resolve(bpfObject(name));
  const program = await startTasks(addon(), readObject, hierarchy, paths, features, { only, limits });
  assert.ok(program !== undefined, JSON.stringify(features.get('delays')));
  t.after(() => program.close());
  return program;
}

async function timesOf(program: TaskProgram, { id }: Cgroup): Promise<CgroupTimes | undefined> {
  return (await program.read()).find(({ cgroupId }) => cgroupId === id);
}

/** Runs work.c in the cgroup; answers what it says it used, and the process, which waits for its stdin to end. */
async function work(
  t: TestContext,
  { directory }: Cgroup,
  ...args: string[]
): Promise<{ child: ChildProcess; execNs: number; runDelayNs: number }> {
  const child = spawn(workProgram(), ['-c', directory, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const [execNs = NaN, runDelayNs = NaN] = line.toString().split(' ').map(Number);
  return { child, execNs, runDelayNs };
}

async function end(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  await once(child, 'exit');
}

let made = 0;
function cgroup(t: TestContext): Cgroup {
  const own = makeCgroup(`/system.slice/tasks-${process.pid}-${made++}.service`);
  t.after(() => own.remove());
  return own;
}

for (const only of ['tasks', 'tasks_plain'] as const) {
  const lack = only === 'tasks' && !atLeast(5, 12) && 'needs compare-and-swap (Linux 5.12)';
  describe(only, { skip: skip || lack }, () => {
    test('times of a task grow, are told once, and stay when it has ended', async (t) => {
      const place = cgroup(t);
      const program = await startWith(t, only);
      const { child, execNs, runDelayNs } = await work(t, place, 'fork', '6', 'burn', '30');
      const near = (times: CgroupTimes | undefined): void => {
        assert.ok(times !== undefined);
        const { execNs: ran, runDelayNs: waited } = times;
        // Each of the seven may be short of a tick of the clock, and goes on after it has looked at itself.
        assert.ok(Math.abs(ran - execNs) < 7 * 5e6, `ran ${ran}, said ${execNs}`);
        assert.ok(
          waited > runDelayNs * 0.98 && waited < runDelayNs * 1.1 + 2e7,
          `${waited}, said ${runDelayNs}`,
        );
      };
      near(await timesOf(program, place));
      near(await timesOf(program, place));
      await end(child);
      near(await timesOf(program, place));
      near(program.take(place.id));
      assert.equal(await timesOf(program, place), undefined);
    });

    test('a full map loses no more than what found no place, and says so', async (t) => {
      const places = Array.from({ length: 12 }, () => cgroup(t));
      const program = await startWith(t, only, { totals: 4 });
      const running = await Promise.all(places.map((place) => work(t, place, 'burn', '20')));
      await Promise.all(running.map(({ child }) => end(child)));
      const refused = (): number =>
        program.figures().refused.find(({ map }) => map === 'task_totals')?.count ?? 0;
      await until('some are refused', async () => {
        assert.equal((await program.read()).length, 4);
        return refused() >= 8;
      });
    });
  });
}

test('tasks without room for a record are refused, and added when they end', { skip }, async (t) => {
  const place = cgroup(t);
  const program = await startWith(t, 'tasks_plain', { records: 1 });
  await program.read();
  const { child, execNs } = await work(t, place, 'burn', '40');
  await program.read();
  const { count = 0 } = program.figures().refused.find(({ map }) => map === 'task_records') ?? {};
  assert.ok(count > 0);
  await end(child);
  await until('its end is told', async () => {
    const ran = (await timesOf(program, place))?.execNs ?? 0;
    return Math.abs(ran - execNs) < 2e7;
  });
});
