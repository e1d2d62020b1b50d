/** Times of tasks by cgroup, by every object that this kernel can run. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
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

interface Work {
  /** Of processes that have ended, when they looked at themselves for the last time. */
  readonly runDelayNs: number;
  /** Lets it end; answers the nanoseconds of CPU that it used in the cgroup, without and with its coming. */
  end(): Promise<readonly [number, number]>;
}

/** Runs work.c in the cgroup. */
async function work(t: TestContext, { directory }: Cgroup, ...args: string[]): Promise<Work> {
  const child = spawn(workProgram(), ['-c', directory, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const line = async (): Promise<number[]> =>
    String((await lines.next()).value)
      .split(' ')
      .map(Number);
  const [, runDelayNs = NaN] = await line();
  return {
    runDelayNs,
    async end() {
      child.stdin.end();
      const [least = NaN, most = NaN] = await line();
      return [least, most];
    },
  };
}

/** Within 2 percent or a tick of the clock. */
function isAbout(actual = NaN, least: number, what: string, most = least): void {
  const slack = Math.max(least * 0.02, 1e7);
  assert.ok(actual >= least - slack && actual <= most + slack, `${what}: ${least} <= ${actual} <= ${most}`);
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
      const { runDelayNs, end } = await work(t, place, 'fork', '6', 'burn', '30');
      let first: CgroupTimes | undefined;
      // What a task waits for on its way out is told when it is freed.
      await until('those that have ended are freed', async () => {
        first = await timesOf(program, place);
        return (first?.runDelayNs ?? 0) >= runDelayNs * 0.98 - 1e7;
      });
      const second = await timesOf(program, place);
      assert.ok(second!.execNs - first!.execNs < 5e7, 'it is told once');
      const [least, most] = await end();
      let last: CgroupTimes | undefined;
      await until('the last task is freed', async () => {
        const before = last?.execNs;
        last = await timesOf(program, place);
        return last?.execNs === before;
      });
      isAbout(last?.execNs, least, 'all that ran', most);
      assert.deepEqual(program.take(place.id), last);
      assert.equal(await timesOf(program, place), undefined);
    });

    test('what a task had before us is not told by its end, unless a walk has seen it', async (t) => {
      const place = cgroup(t);
      const { end } = await work(t, place, 'burn', '400');
      const program = await startWith(t, only);
      const [usedNs] = await end();
      assert.ok(usedNs >= 4e8);
      await until('the task is freed', async () => (await timesOf(program, place)) !== undefined);
      const { execNs = NaN } = (await timesOf(program, place)) ?? {};
      assert.ok(execNs < 2e8, `${execNs} ns`);
    });

    test('a full map loses no more than what found no place, and says so', async (t) => {
      const places = Array.from({ length: 12 }, () => cgroup(t));
      const program = await startWith(t, only, { totals: 4 });
      const running = await Promise.all(places.map((place) => work(t, place, 'burn', '20')));
      await Promise.all(running.map(({ end }) => end()));
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
  const { end } = await work(t, place, 'burn', '200');
  await program.read();
  const { count = 0 } = program.figures().refused.find(({ map }) => map === 'task_records') ?? {};
  assert.ok(count > 0);
  const [usedNs] = await end();
  // With what it did before it came into the cgroup.
  await until('its end is told', async () => {
    const ran = (await timesOf(program, place))?.execNs ?? 0;
    return ran > usedNs * 0.98 && ran < usedNs * 1.5;
  });
});
