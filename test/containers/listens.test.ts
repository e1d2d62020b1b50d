/** Where containers of this machine listen, as the agent shows it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { agentUnder, direct } from '../faults/agent.ts';
import { listen, ownNetwork } from '../kernel/listeners.ts';
import { skip } from '../kernel/machine.ts';
import { until } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { everybody } from './tree.ts';

const family = 'container_net_tcp_listen_info';
const hasIp = spawnSync('ip', ['-V']).error === undefined;

test('listeners come, close and go', { skip: skip || (!hasIp && 'needs ip of iproute2') }, async (t) => {
  const agent = await agentUnder(t, direct, { args: everybody });
  const listeners = await listen('page', ['10.9.8.7,21831,2', '::,21832,4'], ownNetwork);
  t.after(() => listeners.end());
  const shows = async (...wanted: string[]): Promise<void> => {
    let shown: string[] = [];
    await until(
      'where it listens',
      async () => {
        const own = [...(await agent.series())].filter(([key]) => key.includes(`"${listeners.cgroup.path}"`));
        const info = own.filter(([key]) => key.startsWith(`${family}{`));
        assert.ok(info.every(([key]) => key.includes('proxy=""')));
        shown = info
          .map(([key, value]) => `${/listen_addr="([^"]*)"/.exec(key)?.[1]} ${Number(value)}`)
          .sort();
        return shown.join() === wanted.join() || undefined;
      },
      20_000,
    ).catch(() => {});
    assert.deepEqual(shown, wanted);
  };
  await shows('10.9.8.7:21831 1', '10.9.8.7:21832 1', '[fd00:9::7]:21832 1');
  await listeners.say('fill 3');
  await until('the queue', async () => {
    const own = [...(await agent.series())].filter(([key]) => key.includes(`"${listeners.cgroup.path}"`));
    return own.some(
      ([key, value]) =>
        key.startsWith('container_net_tcp_listen_queue{') &&
        key.includes('10.9.8.7:21831') &&
        Number(value) === 3,
    );
  });
  await listeners.say('close');
  await shows('10.9.8.7:21831 0', '10.9.8.7:21832 0', '[fd00:9::7]:21832 0');
  await listeners.end();
  await shows('10.9.8.7:21831 0');
  proves(t, family);
});
