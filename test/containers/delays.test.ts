/** What the tasks of containers wait for on this machine, against what they themselves have read of it. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { run, type RunningAgent } from '../agent/rig.ts';
import { skip } from '../kernel/machine.ts';
import { page, seriesOf } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { everybody, makePlace, textOf, type Place, type Work } from './tree.ts';

const cpuDelay = 'container_resources_cpu_delay_seconds_total';
const diskDelay = 'container_resources_disk_delay_seconds_total';
const accounting = '/proc/sys/kernel/task_delayacct';

const start = (t: TestContext): Promise<RunningAgent> => run(t, undefined, everybody);

async function shown(agent: RunningAgent, name: string, place: Place): Promise<number> {
  await sleep(1100); // a snapshot is reused for a second
  const series = [...seriesOf((await page(`${agent.url}/metrics`)) ?? '')];
  const found = series.find(
    ([key]) => key.startsWith(`${name}{`) && key.includes(`container_id="${place.path}"`),
  );
  return found?.[1] ?? NaN;
}

/** Seconds for which the processes of a place have waited by now, at least and at most: `late` ones since they came into it. */
function waited(place: Place, late: readonly Work[]): [number, number] {
  const pids = readFileSync(`${place.directory('memory')}/cgroup.procs`, 'utf8')
    .split('\n')
    .filter(Boolean);
  const ns = pids.reduce((sum, pid) => sum + Number(textOf(`/proc/${pid}/schedstat`)?.split(' ')[1]), 0);
  const earlier = (i: 0 | 1): number => late.reduce((sum, { earlierDelayNs }) => sum + earlierDelayNs[i], 0);
  return [(ns - earlier(1)) / 1e9, (ns - earlier(0)) / 1e9];
}

function isBetween(actual: number, low: number, high: number, what: string): void {
  assert.ok(actual >= low && actual <= high, `${what}: ${low} <= ${actual} <= ${high}`);
}

const burners = (place: Place): Promise<Work[]> =>
  Promise.all(Array.from({ length: 5 }, () => place.work('crowd', '100')));

test('CPU delay of living and of finished processes', { skip }, async (t) => {
  const place = makePlace(`waits-${process.pid}.service`);
  // What was before the agent counts, too.
  const early = await burners(place);
  const agent = await start(t);
  const source = /^node_agent_kernel_source\{.*feature="delays",.*source="(\w+)"/m;
  assert.match(source.exec((await page(`${agent.url}/metrics`)) ?? '')?.[1] ?? '', /^tasks(_plain)?$/);
  const late = await burners(place);
  const forked = await place.work('fork', '40', 'crowd', '5');
  const [living, most] = waited(place, [...late, forked]);
  const finished = forked.runDelayNs / 1e9;
  assert.ok(living > 0.3, `there was little to wait for: ${living} s`);
  const alive = await shown(agent, cpuDelay, place);
  // The finished ones waited on when they had looked at themselves for the last time.
  isBetween(alive, living + finished - 0.02, most + finished * 1.4 + 0.2, 'alive');
  for (const work of [...early, ...late, forked]) await work.end();
  const ended = await shown(agent, cpuDelay, place);
  isBetween(ended, alive, alive + 0.2 + finished * 0.2, 'ended');
  await place.remove();
  isBetween(await shown(agent, cpuDelay, place), ended, ended + 0.1, 'the cgroup is gone');
  proves(t, cpuDelay);
});

test(
  'what a process waited for in one container stays there when it moves to another',
  { skip },
  async (t) => {
    const first = makePlace(`first-${process.pid}.service`);
    const second = makePlace(`second-${process.pid}.service`);
    const agent = await start(t);
    const others = await burners(first);
    const [there, most] = waited(first, others);
    const before = await shown(agent, cpuDelay, first);
    isBetween(before, there - 0.02, most + 0.02, 'before');
    for (const pid of readFileSync(`${first.directory('memory')}/cgroup.procs`, 'utf8').split('\n'))
      if (pid !== '') writeFileSync(`${second.directory('memory')}/cgroup.procs`, pid);
    isBetween(await shown(agent, cpuDelay, first), before, before + 0.02, 'after');
    isBetween(await shown(agent, cpuDelay, second), 0, before / 2, 'the second');
  },
);

const cannotCount =
  textOf(accounting) === undefined && 'the kernel has no kernel.task_delayacct (Linux 5.14)';

/** Disk delay of processes that write with kernel.task_delayacct as it is, and what they say themselves. */
async function write(t: TestContext): Promise<{ said: number; shown: number; agent: RunningAgent }> {
  const place = makePlace(`writes-${process.pid}.service`);
  const agent = await start(t);
  // In virtual machines the tree is read-only, and a disk is there.
  const disk = existsSync('/mnt/whole') ? '/mnt/whole' : join(import.meta.dirname, '../../build');
  const folder = mkdtempSync(join(disk, 'writes-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const living = await place.work('sync', join(folder, 'one'), '300');
  const ended = await place.work('fork', '4', 'sync', join(folder, 'more'), '100');
  const said = (living.diskTicks + ended.diskTicks) / 100;
  return { said, shown: await shown(agent, diskDelay, place), agent };
}

test('disk delay is what the kernel says of each task', { skip: skip || cannotCount }, async (t) => {
  const setting = readFileSync(accounting, 'utf8');
  writeFileSync(accounting, '1');
  t.after(() => writeFileSync(accounting, setting));
  const { said, shown: value } = await write(t);
  if (said === 0) return t.skip('writing to this disk takes no time that the kernel notices');
  // Each of the five processes rounds down to a tick of 10 ms.
  assert.ok(value >= said && value <= said + 5 * 0.01 + said * 0.05, `${value}, expected ${said}`);
  proves(t, diskDelay);
});

test(
  'where the kernel does not count it, the disk delay is 0 and the feature names the setting',
  { skip: skip || cannotCount },
  async (t) => {
    const setting = readFileSync(accounting, 'utf8');
    writeFileSync(accounting, '0');
    t.after(() => writeFileSync(accounting, setting));
    const { shown: value, agent } = await write(t);
    assert.equal(value, 0);
    const state = agent.log.find(({ feature }) => feature === 'disk_delay');
    assert.equal(state?.['reason'], 'no_sysctl');
    assert.match(String(state?.['detail']), /kernel\.task_delayacct/);
  },
);
