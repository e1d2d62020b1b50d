/** Connections to networks that do not count are not counted, and take nobody's place. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { maxNetworks } from '../../src/kernel/networks.ts';
import { networksOf } from '../../src/tcp/filters.ts';
import {
  compileLoad,
  counted,
  forEachSource,
  makeCgroup,
  startCounting,
  skip,
  type Cgroup,
  type Load,
} from './machine.ts';

const port = '21795';
const namespace = `networks-${process.pid}`;
const inside = ['nsenter', `--net=/run/netns/${namespace}`];
let load: Load;
let cgroup: Cgroup;
let lackOfIp: string | false = false;

before(() => {
  if (skip !== false) return;
  load = compileLoad();
  cgroup = makeCgroup(`/system.slice/networks-${process.pid}.service`);
  try {
    execFileSync('ip', ['netns', 'add', namespace]);
  } catch {
    lackOfIp = 'needs ip (iproute2)';
    return;
  }
  for (const command of [
    'link set lo up',
    'route add local 203.0.113.0/24 dev lo',
    'route add local 192.0.2.0/24 dev lo',
    'route add local 10.8.5.0/24 dev lo',
    '-6 route add local 2001:db8::/32 dev lo',
  ])
    execFileSync('ip', ['-n', namespace, ...command.split(' ')]);
});

after(() => {
  if (skip !== false) return;
  load.close();
  cgroup.remove();
  if (lackOfIp === false) execFileSync('ip', ['netns', 'del', namespace]);
});

/** Nobody listens anywhere there. */
async function refused(address: string, times: number): Promise<void> {
  const result = await load
    .inside(inside)
    .run('-c', cgroup.directory, 'connect', address, port, String(times));
  assert.deepEqual(result, { established: 0, refused: times, other: 0 });
}

forEachSource((source, lack) => {
  test('what is outside takes no place of what is inside', { skip: lack }, async (t) => {
    if (lackOfIp !== false) return t.skip(lackOfIp);
    const some = networksOf(['192.0.2.0/24', '2001:db8:1::/48']);
    const others = Array.from({ length: maxNetworks - some.length }, (_, i) => `198.18.${i}.0/24`);
    const networks = [...networksOf(others), ...some].slice(-maxNetworks);
    const program = await startCounting({ source, networks, maxDestinations: 20 });
    try {
      for (let host = 1; host <= 60; host++) await refused(`203.0.113.${host}`, 1);
      await refused('2001:db8:2::1', 2);
      const counts = ['192.0.2.9', '10.8.5.1', '2001:db8:1::1'];
      for (const [i, address] of counts.entries()) await refused(address, i + 3);
      const found = await counted(program, [cgroup.id]);
      const failed = [...found].map(([key, { allFailed }]) => [key.split(' ')[1], allFailed]);
      assert.deepEqual(
        new Map(failed as [string, number][]),
        new Map([
          [`192.0.2.9:${port}`, 3],
          [`10.8.5.1:${port}`, 4],
          [`[2001:db8:1::1]:${port}`, 5],
        ]),
      );
    } finally {
      program.close();
    }
  });
}, false);
