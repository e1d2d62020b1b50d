/** More containers than are told apart: the others are summed, and their sums are those of what they did. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { run } from '../agent/rig.ts';
import { skip } from '../kernel/machine.ts';
import { page, seriesOf } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { controllers, everybody, makePlace, textOf, type Place } from './tree.ts';

const usage = 'container_resources_cpu_usage_seconds_total';
const other = '/~other';

test('beyond the bound the CPU seconds of all others are one sum, which never falls', { skip }, async (t) => {
  const prefix = `bound-${process.pid}-`;
  const place = (name: string) => makePlace(`${prefix}${name}.service`);
  const only = ['--container-allowlist', `/${prefix}`, '--max-containers', '2'];
  const agent = await run(t, undefined, [...everybody, ...only]);
  const values: number[] = [];
  const shown = async (): Promise<Map<string, number>> => {
    await sleep(1100); // a snapshot is reused for a second
    const found = new Map<string, number>();
    for (const [key, value] of seriesOf((await page(`${agent.url}/metrics`)) ?? '')) {
      const id = /container_id="([^"]*)"/.exec(key)?.[1];
      if (key.startsWith(`${usage}{`) && id !== undefined) found.set(id, value);
      if (key.startsWith('node_agent_folded_containers')) found.set('folded', value);
    }
    values.push(found.get(other) ?? 0);
    return found;
  };
  /** What the kernel says that the processes of a place have used, their start included. */
  const usedSeconds = (of: Place): number =>
    controllers.v1.cpuacct === undefined
      ? Number(/usage_usec (\d+)/.exec(textOf(`${of.directory('v2')}/cpu.stat`) ?? '')?.[1]) / 1e6
      : Number(textOf(`${of.directory('cpuacct')}/cpuacct.usage`)) / 1e9;
  const burn = async (of: Place, ms: string): Promise<number> => {
    const { cpuNs } = await of.work('burn', ms);
    const used = usedSeconds(of);
    assert.ok(used >= cpuNs / 1e9, `${used} s, burnt ${cpuNs} ns`);
    return used;
  };
  // A process that is killed uses a little more.
  const near = (actual: number | undefined, used: number): void =>
    assert.ok(Math.abs((actual ?? 0) - used) < 0.03, `${actual}, used ${used}`);

  const own = [place('1'), place('2')];
  for (const each of own) await each.work('burn', '50');
  await shown();
  const [third, fourth] = [place('3'), place('4')];
  let used = (await burn(third, '200')) + (await burn(fourth, '300'));
  let found = await shown();
  assert.deepEqual([...found.keys()].sort(), ['folded', other, ...own.map(({ path }) => path)].sort());
  assert.equal(found.get('folded'), 2);
  near(found.get(other), used);

  // Who has gone has still used it; one that is there again uses more.
  await third.remove();
  found = await shown();
  near(found.get(other), used);
  assert.equal(found.get('folded'), 1);
  used += await burn(place('3'), '150');
  near((await shown()).get(other), used);
  assert.deepEqual(
    values,
    [...values].sort((a, b) => a - b),
  );
  proves(t, '--max-containers');
});
