/** The whole agent with each way of counting: it says which one it is, and shows the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../agent/rig.ts';
import { say, ways } from '../agent/say.ts';
import { page, until } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { forEachSource, ownLoad, skip } from './machine.ts';

const open = '21706';
const closed = '21707';
const shown = { 'min-container-age': '0s', 'skip-systemd-system-services': 'false' };
const own = ownLoad('sources', open);

/** Samples of the container and which sources of connections there are, sorted. */
function told(text: string): string[] {
  const samples = text.split('\n').flatMap((line) => {
    const source = /^node_agent_kernel_source\{.*feature="(tcp\w*)",.*source="(\w+)".*\} 1$/.exec(line);
    if (source !== null) return [`${source[1]} by ${source[2]}`];
    const sample =
      /^container_net_tcp_((?:successful|failed)_connects_total|active_connections)\{.*[{,]destination="([^"]*)".*\} (\d+)$/.exec(
        line,
      );
    return sample !== null && line.includes(own.cgroup.path)
      ? [`${sample[1]} ${sample[2]} ${sample[3]}`]
      : [];
  });
  return samples.sort();
}

async function expectTold(
  t: Parameters<typeof run>[0],
  way: (typeof ways)[number],
  source: string,
  expected: readonly string[],
): Promise<void> {
  const said = say(way, { ...shown, 'tcp-source': source });
  const agent = await run(t, undefined, said.argv, { ...said.env, OTEL_METRICS_EXPORTER: 'prometheus' });
  const holder = await own.load.start('-c', own.cgroup.directory, 'hold', '127.0.0.1', open, '4');
  t.after(() => holder.kill('SIGKILL'));
  await own.load.run('-c', own.cgroup.directory, 'connect', '127.0.0.1', closed, '3');
  const lines = await until('a new snapshot', async () => {
    const found = told((await page(`${agent.url}/metrics`)) ?? '');
    return found.length >= expected.length ? found : undefined;
  });
  assert.deepEqual(lines, [...expected].sort());
  const details = agent.log.filter(({ feature }) => feature === 'tcp').map(({ detail }) => detail);
  if (source !== 'procfs') assert.deepEqual(details, [`by ${source}`]);
  proves(t, ...say(way, { 'tcp-source': '' }).names, 'node_agent_kernel_source');
}

forEachSource((source, skip) => {
  for (const way of ways)
    test(`${way}: counts, open connections and the source`, { skip }, (t) =>
      expectTold(t, way, source, [
        `active_connections 127.0.0.1:${open} 4`,
        `failed_connects_total 127.0.0.1:${closed} 3`,
        `successful_connects_total 127.0.0.1:${open} 4`,
        `tcp by ${source}`,
        'tcp_active by iterator',
      ]),
    );
});

for (const way of ways)
  test(`${way}: by procfs open connections alone`, { skip }, (t) =>
    expectTold(t, way, 'procfs', [`active_connections 127.0.0.1:${open} 4`, 'tcp_active by procfs']),
  );
