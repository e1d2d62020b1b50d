/** SYNs from addresses that do not answer make no connections, and take nothing from those who really connect. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { text } from 'node:stream/consumers';
import { compileC } from '../compile.ts';
import { connects, ownContainers, skip } from './container-ways.ts';
import { port, serve, type Container } from './containers.ts';
import { forEachSource } from './machine.ts';
import { counting, type Whole } from './whole.ts';

const both = ownContainers();
const each = Math.ceil(Math.min(connects, 100_000) / 20);
/** 65,536 addresses, to which the router knows no way. */
const nowhere = '10.200.0.0';

function shell({ inside }: Pick<Container, 'inside'>, script: string): string {
  const [command = '', ...args] = [...inside, 'sh', '-ec', script];
  return execFileSync(command, args, { encoding: 'utf8' });
}

/** By its network namespace, ever. */
function cookiesSent({ pid }: Container): number {
  const [names = [], values = []] = readFileSync(`/proc/${pid}/net/netstat`, 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  return Number(values[names.indexOf('SyncookiesSent')]);
}

/** Sends as fast as it can, until it is ended: then answers how many. */
async function flood(target: string): Promise<() => Promise<number>> {
  const program = compileC(join(import.meta.dirname, 'flood.c'));
  const args = [`--net=${both.network.router}`, program, nowhere, target, String(port)];
  const child = spawn('nsenter', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const sent = text(child.stdout).then(Number);
  return () => {
    child.stdin.end();
    return sent;
  };
}

/** `cookies`: net.ipv4.tcp_syncookies. Answers how many packets came from nowhere. */
async function expectExact({ counted, refused, program }: Whole, cookies: string): Promise<number> {
  const [server] = both.servers as [Container];
  const clients = both.clients.slice(0, 3);
  const router = ['nsenter', `--net=${both.network.router}`];
  shell({ inside: router }, `ip route replace blackhole ${nowhere}/16`);
  shell(server, `echo ${cookies} > /proc/sys/net/ipv4/tcp_syncookies`);
  const before = await counted(both.ids);
  const serving = await serve(server);
  const end = await flood(server.ipv4);
  const made = await Promise.all(
    clients.map((client) => both.run(client).run('connect', server.ipv4, String(port), String(each))),
  ).finally(end);
  const sent = await end();
  if (cookies === '2') assert.ok(cookiesSent(server) > 0, 'the flood arrives');
  const accepted = (await serving.end()).get(`${server.ipv4}:${port}`) ?? 0;
  const found = await counted(both.ids);
  const since = (key: string): number =>
    (found.get(key)?.successful ?? 0) - (before.get(key)?.successful ?? 0);

  for (const [i, client] of clients.entries()) {
    const { established, other } = made[i]!;
    assert.deepEqual([established, other], [each, 0]);
    assert.equal(since(`${client.cgroup.id} ${server.ipv4}:${port}`), each);
  }
  assert.equal(since(`${server.cgroup.id} <${server.ipv4}:${port}`), accepted);
  assert.ok(accepted > 0 && accepted <= clients.length * each, `${accepted} accepted`);
  const named = [...found].filter(([, { successful, allFailed }]) => successful + allFailed > 0);
  assert.equal(named.length, clients.length + 1, 'nothing else');
  for (const [map, count] of Object.entries(refused())) assert.equal(count, 0, map);
  const { entries } = program.figures();
  assert.ok(entries['tcp_counts']! < 1000, `${entries['tcp_counts']} places`);
  return sent;
}

forEachSource((source, lack) => {
  test(
    'who really connects counts, in a flood of SYNs, with cookies and without',
    { skip: skip || lack },
    (t) =>
      counting(t, source, {}, async (whole) => {
        for (const cookies of ['1', '2']) {
          const sent = await expectExact(whole, cookies);
          t.diagnostic(`tcp_syncookies ${cookies}: ${sent} packets from nowhere`);
        }
      }),
  );
}, false);
