/** Restarts of containers on this machine: each one that the test made, however quickly. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { agentUnder, direct, type FaultyAgent } from '../faults/agent.ts';
import { skip } from '../kernel/machine.ts';
import { proves } from '../proof.ts';
import { everybody, makePlace, type Place } from './tree.ts';

const family = 'container_restarts_total';
const withoutSystemd = existsSync('/run/systemd/system') ? false : 'needs systemd';

async function expectRestarts(
  t: TestContext,
  agent: FaultyAgent,
  path: string,
  wanted: number,
): Promise<void> {
  await sleep(1100); // a snapshot is reused for a second
  const series = [...(await agent.series())].filter(([key]) => key.startsWith(`${family}{`));
  assert.equal(series.find(([key]) => key.includes(`"${path}"`))?.[1], wanted);
  proves(t, family);
}

async function runOnce(place: Place): Promise<void> {
  const { end } = await place.work('burn', '1');
  await end();
}

test(
  'a start in a new cgroup is a restart, however quickly it comes; in the same one it is none',
  { skip },
  async (t) => {
    const agent = await agentUnder(t, direct, { args: everybody });
    const name = `restarts-${process.pid}.service`;
    const place = makePlace(name);
    // As systemd runs what comes before and after a service.
    for (let i = 0; i < 5; i++) await runOnce(place);
    await expectRestarts(t, agent, place.path, 0);
    for (let i = 0; i < 50; i++) {
      await place.remove();
      await runOnce(makePlace(name));
    }
    await expectRestarts(t, agent, place.path, 50);
  },
);

test(
  'who runs on beside one that comes and goes is not restarted; who was there before the agent is known',
  { skip },
  async (t) => {
    const name = `steady-${process.pid}.service`;
    const place = makePlace(name);
    const steady = await place.work('burn', '1');
    const agent = await agentUnder(t, direct, { args: everybody });
    for (let i = 0; i < 5; i++) await runOnce(place.inside('worker'));
    await expectRestarts(t, agent, place.path, 0);
    await steady.end();
    await place.remove();
    await runOnce(makePlace(name));
    await expectRestarts(t, agent, place.path, 1);
  },
);

test(
  'a unit that systemd restarts three times is restarted three times',
  { skip: skip || withoutSystemd },
  async (t) => {
    const unit = `again-${process.pid}.service`;
    const agent = await agentUnder(t, direct, { args: everybody });
    const before = ['--property', 'ExecStartPre=/bin/true', '--property', 'ExecStartPre=/bin/true'];
    execFileSync('systemd-run', ['--quiet', '--unit', unit, ...before, 'sleep', '1000']);
    t.after(() => execFileSync('systemctl', ['stop', unit]));
    for (let i = 0; i < 3; i++) execFileSync('systemctl', ['restart', unit]);
    await expectRestarts(t, agent, `/system.slice/${unit}`, 3);
  },
);
