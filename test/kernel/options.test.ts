/** Options about containers and destinations, each said as a flag and as a variable: what they hide of what the kernel counts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { run } from '../agent/rig.ts';
import { say, ways } from '../agent/say.ts';
import { page, seriesOf, until } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { compileLoad, makeCgroup, skip, type Cgroup, type Load } from './machine.ts';

/** Nobody listens there. */
const [port, otherPort] = ['21721', '21722'];
const publicAddress = '203.0.113.7';
const [alpha, beta, ofTheSystem] = ['option-alpha', 'option-beta', 'systemd-option'].map(
  (name) => `/system.slice/${name}-${process.pid}.service`,
) as [string, string, string];

/** All that is ever shown: failed connects by `<container> <destination>`. */
const everything = [
  `${alpha} 127.0.0.1:${port}`,
  `${alpha} 127.0.0.1:${otherPort}`,
  `${alpha} ${publicAddress}:${port}`,
  `${beta} 127.0.0.1:${port}`,
  `${ofTheSystem} 127.0.0.1:${port}`,
].sort();

let load: Load;
const cgroups = new Map<string, Cgroup>();

before(() => {
  if (skip !== false) return;
  load = compileLoad();
  for (const path of [alpha, beta, ofTheSystem]) cgroups.set(path, makeCgroup(path));
});

after(() => {
  load?.close();
  for (const cgroup of cgroups.values()) cgroup.remove();
});

async function connect(path: string, to: string): Promise<void> {
  const { refused } = await load.run('-c', cgroups.get(path)!.directory, 'connect', '127.0.0.1', to, '3');
  assert.equal(refused, 3);
}

/** To a public address, which this machine has in a network namespace for the occasion. */
function connectAbroad(path: string): void {
  const script = `echo $$ >${cgroups.get(path)!.directory}/cgroup.procs
    ip link set lo up && ip address add ${publicAddress}/32 dev lo
    : </dev/tcp/${publicAddress}/${port}`;
  const { stderr } = spawnSync('unshare', ['--net', 'bash', '-c', script], { encoding: 'utf8' });
  assert.match(stderr, /refused/);
}

const failedOf = (text: string): string[] =>
  [...seriesOf(text)].flatMap(([key]) => {
    const container = /^container_net_tcp_failed_connects_total\{.*container_id="([^"]*option-[^"]*)"/.exec(
      key,
    );
    const destination = /[{,]destination="([^"]*)"/.exec(key);
    return container && destination ? [`${container[1]} ${destination[1]}`] : [];
  });

const shownByDefault = { 'min-container-age': '0s', 'skip-systemd-system-services': 'false' };
const cases: readonly { options: Record<string, string>; shows: (series: string) => boolean }[] = [
  { options: {}, shows: () => true },
  { options: { 'skip-systemd-system-services': 'true' }, shows: (series) => !series.startsWith(ofTheSystem) },
  { options: { 'container-allowlist': 'option-b' }, shows: (series) => series.startsWith(beta) },
  { options: { 'container-denylist': 'option-b' }, shows: (series) => !series.startsWith(beta) },
  { options: { 'track-public-network': '192.0.2.0/24' }, shows: (series) => !series.includes(publicAddress) },
  { options: { 'ephemeral-port-range': otherPort }, shows: (series) => !series.endsWith(`:${otherPort}`) },
];

for (const way of ways) {
  for (const { options, shows } of cases) {
    const name = Object.entries(options).join(' ') || 'all of it is shown';
    test(`${way}: ${name}`, { skip }, async (t) => {
      const said = say(way, { ...shownByDefault, ...options });
      const agent = await run(t, undefined, said.argv, { ...said.env, OTEL_METRICS_EXPORTER: 'prometheus' });
      await connect(alpha, port);
      await connect(alpha, otherPort);
      connectAbroad(alpha);
      await connect(ofTheSystem, port);
      await connect(beta, port);
      const expected = everything.filter(shows);
      const shown = await until('a new snapshot', async () => {
        const found = failedOf((await page(`${agent.url}/metrics`)) ?? '');
        return found.length >= expected.length ? found.sort() : undefined;
      });
      assert.deepEqual(shown, expected);
      proves(t, ...say(way, options).names);
      if (name === 'all of it is shown') proves(t, ...said.names, 'container_net_tcp_failed_connects_total');
    });
  }

  test(`${way}: min-container-age`, { skip }, async (t) => {
    const said = say(way, { ...shownByDefault, 'min-container-age': '1h' });
    const agent = await run(t, undefined, said.argv, { ...said.env, OTEL_METRICS_EXPORTER: 'prometheus' });
    await connect(beta, port);
    const text = await until('what is hidden', async () => {
      const answer = (await page(`${agent.url}/metrics`)) ?? '';
      return /^node_agent_hidden_series\{.*reason="too_young".*\} [1-9]/m.test(answer) ? answer : undefined;
    });
    assert.deepEqual(failedOf(text), []);
    proves(t, ...say(way, { 'min-container-age': '' }).names);
  });
}
