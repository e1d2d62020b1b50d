/** Round trips on the page of the whole agent, over a network of the test's own. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../agent/rig.ts';
import { page, until } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { compileLoad, makeCgroup, skip as cannotCount, type Cgroup, type Load } from './machine.ts';

const skip = cannotCount || (spawnSync('ip', ['-V']).status !== 0 && 'needs ip (iproute2)');
const [client, server] = ['client', 'server'].map((place) => `latency-${process.pid}-${place}`) as [
  string,
  string,
];
const port = '21790';
const shown = ['--min-container-age', '0s', '--skip-systemd-system-services=false'];

let load: Load;
const cgroups: Cgroup[] = [];

function ip(...commands: readonly string[]): void {
  for (const command of commands) execFileSync('ip', command.split(' '));
}

before(async () => {
  if (skip !== false) return;
  load = compileLoad();
  for (const name of ['one', 'other', 'abroad'])
    cgroups.push(makeCgroup(`/system.slice/latency-${process.pid}-${name}.service`));
  ip(
    `netns add ${client}`,
    `netns add ${server}`,
    `-n ${client} link add near type veth peer name far netns ${server}`,
    ...['1', '5'].map((host) => `-n ${client} address add 10.67.0.${host}/24 dev near`),
    `-n ${client} address add fd67::1/64 dev near nodad`,
    ...['2', '4'].map((host) => `-n ${server} address add 10.67.0.${host}/24 dev far`),
    `-n ${server} address add fd67::2/64 dev far nodad`,
    `-n ${client} link set lo up`,
    `-n ${server} link set lo up`,
    `-n ${client} link set near up`,
    `-n ${server} link set far up`,
  );
  await load.inside(inside(server)).start('serve', port);
});

after(() => {
  load?.close();
  for (const cgroup of cgroups) cgroup.remove();
  for (const name of [client, server]) spawnSync('ip', ['netns', 'del', name]);
});

function inside(name: string): string[] {
  return ['nsenter', `--net=/run/netns/${name}`];
}

/** Requests that the server was sent, by /proc/net/snmp. */
function echoes(): number {
  const [, names = '', values = ''] =
    /^Icmp: (.*)\nIcmp: (.*)$/m.exec(
      execFileSync('nsenter', [`--net=/run/netns/${server}`, 'cat', '/proc/net/snmp'], { encoding: 'utf8' }),
    ) ?? [];
  return Number(values.split(' ')[names.split(' ').indexOf('InEchos')]);
}

/** Seconds by container and address. */
function latencies(text: string): Map<string, number> {
  return new Map(
    [...text.matchAll(/^container_net_latency_seconds\{(.*)\} (\S+)$/gm)].flatMap(
      ([, labels = '', value]) => {
        const [, id] = /container_id="[^"]*latency-\d+-(\w+)\.service"/.exec(labels) ?? [];
        const [, address] = /destination_ip="([^"]*)"/.exec(labels) ?? [];
        return id === undefined ? [] : [[`${id} ${address}`, Number(value)]];
      },
    ),
  );
}

/** Starts connections that stay: two containers in the namespace of the client, one in that of the server, which talks to the client. */
async function talk(): Promise<void> {
  const [one, other, abroad] = cgroups.map(({ directory }) => directory) as [string, string, string];
  const { start, run } = load.inside(inside(client));
  await start('-c', one, 'hold', '10.67.0.2', port, '1');
  await start('-c', one, 'hold', 'fd67::2', port, '1');
  await start('-c', other, 'hold', '10.67.0.2', port, '1');
  assert.equal((await run('-c', other, 'connect', '10.67.0.4', '21791', '1')).refused, 1);
  // Nobody has the address, and nobody answers: neither now nor then.
  await run('-c', other, 'connect', '10.67.0.3', port, '1');
  await load.inside(inside(server)).start('-c', abroad, 'hold', '127.0.0.1', port, '1');
  assert.equal(
    (await load.inside(inside(server)).run('-c', abroad, 'connect', '10.67.0.5', '21791', '1')).refused,
    1,
  );
}

async function pageOf(t: TestContext, argv: readonly string[], env: Record<string, string> = {}) {
  const agent = await run(t, undefined, [...shown, ...argv], { OTEL_METRICS_EXPORTER: 'prometheus', ...env });
  await talk();
  return {
    read: async (): Promise<string> => {
      await sleep(1100);
      return (await page(`${agent.url}/metrics`)) ?? '';
    },
    close: () => agent.close(),
  };
}

const expected = ['one 10.67.0.2', 'one fd67::2', 'other 10.67.0.2', 'other 10.67.0.4', 'abroad 10.67.0.5'];

test('what answers is shown to each that connects to it, and nothing else', { skip }, async (t) => {
  const { read, close } = await pageOf(t, []);
  const found = await until('all round trips', async () => {
    const all = latencies(await read());
    return all.size >= expected.length ? all : undefined;
  });
  assert.deepEqual([...found.keys()].sort(), [...expected].sort());
  for (const [key, seconds] of found) assert.ok(seconds > 0 && seconds < 0.3, `${key}: ${seconds}`);
  assert.ok(echoes() > 0);
  proves(t, 'container_net_latency_seconds');
  await close();
});

const ways: readonly (readonly [name: string, argv: readonly string[], env: Record<string, string>])[] = [
  ['--disable-pinger', ['--disable-pinger'], {}],
  ['--no-ping-upstreams', ['--no-ping-upstreams'], {}],
  ['DISABLE_PINGER', [], { DISABLE_PINGER: 'true' }],
];
for (const [name, argv, env] of ways)
  test(`${name}: nothing is pinged`, { skip }, async (t) => {
    const { read, close } = await pageOf(t, argv, env);
    const before = echoes();
    for (let i = 0; i < 4; i++) {
      const text = await read();
      assert.equal(latencies(text).size, 0);
      assert.match(text, /^node_agent_feature_enabled\{.*feature="latency",.*reason="not_wanted".*\} 0$/m);
    }
    assert.equal(echoes(), before);
    proves(t, name);
    await close();
  });
