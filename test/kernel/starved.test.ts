/** Sockets without room for records (net.core.optmem_max): their connections count all the same, and what is lost is told. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { afterEach, test } from 'node:test';
import { connects, ownContainers, skip } from './container-ways.ts';
import { port, serve, type Container } from './containers.ts';
import { atLeast, forEachSource, hierarchy } from './machine.ts';
import { counting, type Whole } from './whole.ts';

const both = ownContainers();
const each = Math.ceil(Math.min(connects, 100_000) / 20);
const closed = '9001';
/** Before Linux 6.8 there is one for all. */
const lack = skip || (!atLeast(6, 8) && 'needs net.core.optmem_max in each network namespace (Linux 6.8)');
/** Of a socket the cgroup is known on cgroup v2; otherwise it is nobody's. */
const known = hierarchy.version === 2;

function starve({ inside }: Container, bytes: number): void {
  const [command = '', ...args] = [...inside, 'sh', '-ec', `echo ${bytes} > /proc/sys/net/core/optmem_max`];
  execFileSync(command, args);
}

afterEach(() => {
  if (lack === false) for (const container of both.network.containers) starve(container, 131_072);
});

interface Sums {
  successful: number;
  failed: number;
}

/** `inbound`: of the side that accepts. Nobody's are of both. */
async function sums({ counted }: Whole, cgroupId: number, inbound: boolean): Promise<Sums> {
  const all = { successful: 0, failed: 0 };
  for (const [key, { successful, allFailed }] of await counted([cgroupId])) {
    if (cgroupId !== 0 && key.includes('<') !== inbound) continue;
    all.successful += successful;
    all.failed += allFailed;
  }
  return all;
}

/** Answers what was refused. */
async function expectCounted(
  whole: Whole,
  client: Container,
  server: Container,
  starved: Container,
): Promise<number> {
  starve(starved, 0);
  const nobodys = await sums(whole, 0, false);
  const serving = await serve(server);
  const { run } = both.run(client);
  const made = await run('connect', server.ipv4, String(port), String(each));
  const failed = await run('connect', server.ipv4, closed, String(each));
  assert.deepEqual([made.established, failed.refused], [each, each]);
  const accepted = (await serving.end()).get(`${server.ipv4}:${port}`)!;

  const refused = whole.refused()['tcp_sockets']!;
  const out = await sums(whole, client.cgroup.id, false);
  const into = await sums(whole, server.cgroup.id, true);
  const others = await sums(whole, 0, false);
  const more = { successful: others.successful - nobodys.successful, failed: others.failed - nobodys.failed };
  const all = { successful: each, failed: each };
  if (starved !== client || known || refused === 0) assert.deepEqual(out, all);
  else assert.deepEqual(out, { successful: 0, failed: 0 });
  if (starved !== server || known || refused === 0)
    assert.deepEqual(into, { successful: accepted, failed: 0 });
  // What is nobody's has connects of the rest of the machine.
  assert.ok(out.successful + into.successful + more.successful >= each + accepted, 'no connection is lost');
  assert.ok(out.failed + more.failed >= each, 'no failure is lost');
  return refused;
}

forEachSource((source, without) => {
  for (const side of ['client', 'server'] as const)
    test(`no room for records of the ${side}`, { skip: lack || without }, (t) =>
      counting(t, source, {}, async (whole) => {
        const pair = { client: both.clients[0]!, server: both.servers[0]! };
        const refused = await expectCounted(whole, pair.client, pair.server, pair[side]);
        // A table of sockets has room.
        if (source === 'raw_tp') assert.equal(refused, 0);
        else assert.ok(refused >= each, `${refused} records`);
        t.diagnostic(`${each} connections, ${refused} records refused`);
      }),
    );
}, false);
