/** What the tasks of containers wait for on this machine, against what they themselves have read of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** A task goes on waiting after it has looked at itself for the last time, and the agent sees that. */
function isSum(actual: number, seconds: number, what: string): void {
  const slack = Math.max(seconds * 0.02, 0.01);
  assert.ok(
    actual >= seconds - slack && actual <= seconds * 1.1 + slack,
    `${what}: ${actual}, expected ${seconds}`,
  );
}

const sumOf = (work: readonly Work[], kind: 'runDelayNs' | 'diskTicks'): number =>
  work.reduce((sum, each) => sum + each[kind], 0);

test('CPU delay of living and of finished processes', { skip }, async (t) => {
  const place = makePlace(`waits-${process.pid}.service`);
  // What was before the agent counts, too.
  const early = await Promise.all(Array.from({ length: 4 }, () => place.work('burn', '150')));
  const agent = await start(t);
  const late = await Promise.all(Array.from({ length: 4 }, () => place.work('burn', '150')));
  const forked = await place.work('fork', '40', 'burn', '5');
  const all = [...early, ...late, forked];
  const seconds = sumOf(all, 'runDelayNs') / 1e9;
  assert.ok(seconds > 0.5, `there was little to wait for: ${seconds} s`);
  isSum(await shown(agent, cpuDelay, place), seconds, 'alive');
  await Promise.all(all.map((work) => work.end()));
  isSum(await shown(agent, cpuDelay, place), seconds, 'ended');
  await place.remove();
  isSum(await shown(agent, cpuDelay, place), seconds, 'the cgroup is gone');
  proves(t, cpuDelay);
});

test(
  'what a process waited for in one container stays there when it moves to another',
  { skip },
  async (t) => {
    const first = makePlace(`first-${process.pid}.service`);
    const second = makePlace(`second-${process.pid}.service`);
    const agent = await start(t);
    const others = await Promise.all(Array.from({ length: 5 }, () => first.work('burn', '150')));
    const seconds = sumOf(others, 'runDelayNs') / 1e9;
    isSum(await shown(agent, cpuDelay, first), seconds, 'before');
    for (const pid of readFileSync(`${first.directory('memory')}/cgroup.procs`, 'utf8').split('\n'))
      if (pid !== '') writeFileSync(`${second.directory('memory')}/cgroup.procs`, pid);
    await Promise.all(others.map((work) => work.end()));
    isSum(await shown(agent, cpuDelay, first), seconds, 'after');
    const moved = await shown(agent, cpuDelay, second);
    // They wait for a CPU to end on.
    assert.ok(moved < seconds / 2, `the second has ${moved} s, the first ${seconds}`);
  },
);

const cannotCount =
  textOf(accounting) === undefined && 'the kernel has no kernel.task_delayacct (Linux 5.14)';

/** Disk delay of processes that write with kernel.task_delayacct as it is, and what they say themselves. */
async function write(t: TestContext): Promise<{ said: number; shown: number; agent: RunningAgent }> {
  const place = makePlace(`writes-${process.pid}.service`);
  const agent = await start(t);
  const folder = mkdtempSync(join(import.meta.dirname, '../../build/writes-'));
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
