/** Open connections of containers, on both sides, are those that the kernel lists for their network namespaces. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { addTo, connects, ownContainers, pairs, skip } from './container-ways.ts';
import { port, serve, type Container, type Serving } from './containers.ts';
import { forEachSource, until } from './machine.ts';
import { counting, type Whole } from './whole.ts';

const both = ownContainers();

/** Sockets of TCP connections in its network namespace that a file holds, by who connected. */
function heldIn({ pid }: Container): { made: number; accepted: number } {
  const text = ['tcp', 'tcp6'].map((file) => readFileSync(`/proc/${pid}/net/${file}`, 'utf8')).join('');
  const held = { made: 0, accepted: 0 };
  for (const line of text.split('\n')) {
    const [, own = '', , state = '', , , , , , inode = '0'] = line.trim().split(/\s+/);
    // ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK, CLOSING
    if (inode === '0' || !['01', '04', '05', '08', '09', '0B'].includes(state)) continue;
    held[parseInt(own.slice(-4), 16) === port ? 'accepted' : 'made']++;
  }
  return held;
}

/** `made` and `accepted`: what it should be. Where the kernel lets nobody walk over sockets, none are told that came in. */
async function expectOpen({ counted, program }: Whole, made: number, accepted: number): Promise<void> {
  const truth = new Map<string, number>();
  for (const container of both.network.containers) {
    const held = heldIn(container);
    const { id } = container.cgroup;
    if (held.made > 0) truth.set(String(id), held.made);
    if (held.accepted > 0 && program.walks) truth.set(`${id} in`, held.accepted);
  }
  const sum = (inbound: boolean): number =>
    [...truth].reduce((all, [key, count]) => all + (key.endsWith('in') === inbound ? count : 0), 0);
  assert.deepEqual([sum(false), sum(true)], [made, program.walks ? accepted : 0], 'what the kernel lists');
  const active = new Map<string, number>();
  for (const [key, counts] of await counted(both.ids))
    addTo(active, `${key.split(' ')[0]}${key.includes('<') ? ' in' : ''}`, counts.active);
  assert.deepEqual(new Map([...active].filter(([, n]) => n > 0).sort()), new Map([...truth].sort()));
}

async function expectActive(whole: Whole): Promise<void> {
  const { clients, servers } = both;
  const ways = [...pairs(both)];
  const each = Math.max(2, Math.ceil(Math.min(connects, 100_000) / (40 * ways.length)));
  const all = ways.length * each;
  const serving: Serving[] = await Promise.all(servers.map((server) => serve(server, true)));
  const madeOf = (): number => clients.reduce((sum, client) => sum + heldIn(client).made, 0);
  const acceptedOf = (): number => servers.reduce((sum, server) => sum + heldIn(server).accepted, 0);
  const holders: ChildProcess[] = await Promise.all(
    ways.map(({ client, way }) =>
      both.run(client).start('hold', way.address, String(way.port), String(each)),
    ),
  );
  await until('all are accepted', () => acceptedOf() === all);
  await expectOpen(whole, all, all);
  const half = holders.filter((_, i) => i % 2 === 0);
  for (const holder of half) holder.kill('SIGKILL');
  await Promise.all(half.map((holder) => once(holder, 'exit')));
  await until('they are closed', () => madeOf() === all / 2);
  await expectOpen(whole, all / 2, all);
  for (const server of serving.slice(0, servers.length / 2)) server.kill();
  await until('half of the servers are gone', () => acceptedOf() === all / 2);
  await expectOpen(whole, all / 2, all / 2);
  for (const holder of holders) if (holder.exitCode === null) holder.stdin?.end();
  for (const server of serving) server.kill();
  await until('all are gone', async () =>
    [...(await whole.counted(both.ids)).values()].every(({ active }) => active === 0),
  );
  await expectOpen(whole, 0, 0);
}

forEachSource((source, lack) => {
  test('what is open is what the kernel lists', { skip: skip || lack }, (t) =>
    counting(t, source, { hostNamespace: both.network.router }, expectActive),
  );
}, false);
