/** Ports that dockerd publishes, on the page of the whole agent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteSeen } from '../conformance/seen.ts';
import { proves } from '../proof.ts';
import type { Example } from './identity-examples.ts';
import { answerFor, machineWith } from './identity-machine.ts';
import { captured, run } from './rig.ts';

test('ports that are published are listened on by dockerd, for root and nobody else', async (t) => {
  const Ports = {
    '80/tcp': [
      { HostIp: '10.1.1.1', HostPort: '8080' },
      { HostIp: 'fd00::1', HostPort: '8080' },
      { HostIp: '10.1.1.1', HostPort: '40000' },
      { HostIp: '10.1.1.1"} 1\nup{x="', HostPort: '81' },
    ],
    '53/udp': [{ HostIp: '10.1.1.1', HostPort: '53' }],
  };
  const says = Buffer.from(JSON.stringify({ Name: '/web', NetworkSettings: { Ports } }));
  const examples: readonly Example[] = [
    { path: '/system.slice/docker-<64>.scope', by: 'docker', says, id: '/docker/web' },
    {
      path: '/user.slice/user-1000.slice/user@1000.service/user.slice/docker-<64>.scope',
      by: 'user',
      says,
      id: '/user/1000/docker/web',
    },
  ];
  const host = await machineWith(t, 'v2', examples);
  await answerFor(t, host, examples);
  const agent = await run(t, captured(host), ['--cgroupfs-root', host.cgroup, '--min-container-age', '0s']);
  const text = await (await fetch(`${agent.url}/metrics`)).text();
  noteSeen(text);
  const shown = text.split('\n').filter((line) => line.startsWith('container_net_tcp_listen_info{'));
  assert.deepEqual(
    shown
      .map((line) =>
        [/container_id="([^"]*)"/, /listen_addr="([^"]*)"/, /proxy="([^"]*)"/, /(\S+)$/]
          .map((part) => part.exec(line)?.[1])
          .join(' '),
      )
      .sort(),
    ['/docker/web 10.1.1.1:8080 dockerd 1', '/docker/web [fd00::1]:8080 dockerd 1'],
  );
  assert.ok(text.includes('container_id="/user/1000/docker/web"'), 'the user has one of that name');
  proves(t, 'container_net_tcp_listen_info');
});
