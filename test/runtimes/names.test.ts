/** Names of containers as their runtimes tell them: at once, late, and over a restart of the runtime. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { seriesOf } from '../peers/peer.ts';
import { noteSeen } from '../conformance/seen.ts';
import { proves } from '../proof.ts';
import { skip, startRuntime, until } from '../nodes/runtimes/runtime.ts';
import { imageName } from '../nodes/runtimes/base/image.ts';

const usage = 'container_resources_cpu_usage_seconds_total';
const everybody = ['--min-container-age', '0s'];
/** Uses some CPU, then sleeps. */
const command = ['/bin/sh', '-c', 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exec sleep 1000'];

/** Values of a family by `container_id`. */
function byContainer(page: string, family: string): Map<string, number> {
  noteSeen(page);
  const values = new Map<string, number>();
  for (const [key, value] of seriesOf(page)) {
    const id = /container_id="([^"]*)"/.exec(key)?.[1];
    if (key.startsWith(`${family}{`) && id !== undefined) values.set(id, value);
  }
  return values;
}

for (const name of ['docker', 'containerd', 'podman']) {
  test(`${name}: a container has its name and its image`, { skip }, async (t) => {
    const node = await startRuntime(t, name);
    const before = await node.run({ name: 'before', command });
    const agent = await node.startAgent(...everybody);
    // The first page has the names of those that were there.
    assert.ok(byContainer(await agent.page(), usage).has(before.knownAs));
    const after = await node.run({ name: 'after', command });
    const page = await until('the new container', async () => {
      const text = await agent.page();
      return byContainer(text, usage).has(after.knownAs) ? text : undefined;
    });
    const known = [...byContainer(page, usage).keys()].filter((id) => /^\/(docker|k8s|podman)\//.test(id));
    assert.deepEqual(known.sort(), [before.knownAs, after.knownAs].sort());
    const images = [...seriesOf(page).keys()].filter((key) => key.startsWith('container_info{'));
    for (const { knownAs } of [before, after])
      assert.ok(
        images.some((key) => key.includes(`"${knownAs}"`) && key.includes(`image="${imageName}"`)),
        images.join('\n'),
      );
    proves(t, 'container_info');
  });
}

test(
  'docker: while dockerd hangs a container has its short id, then its name, and never both',
  { skip },
  async (t) => {
    const node = await startRuntime(t, 'docker');
    await node.run({ name: 'web', command });
    const [container = ''] = (await node.exec('docker', 'ps', '--quiet', '--no-trunc')).trim().split('\n');
    const short = `/docker/${container.slice(0, 12)}`;
    const dockerd = Number(await node.exec('cat', '/run/docker.pid'));
    process.kill(dockerd, 'SIGSTOP');
    t.after(() => process.kill(dockerd, 'SIGCONT'));
    const agent = await node.startAgent(...everybody);
    const pages: { ids: string[]; value: number }[] = [];
    const look = async (): Promise<string[]> => {
      const values = byContainer(await agent.page(), usage);
      const ids = [...values.keys()].filter((id) => id.startsWith('/docker/'));
      pages.push({ ids, value: values.get(ids[0] ?? '') ?? NaN });
      return ids;
    };
    assert.deepEqual(await look(), []);
    await until('the short id', async () => ((await look()).includes(short) ? true : undefined));
    process.kill(dockerd, 'SIGCONT');
    await until('the name', async () => ((await look()).includes('/docker/web') ? true : undefined));
    const order = pages.map(({ ids }) => ids.join()).filter((ids, i, all) => ids !== all[i - 1]);
    assert.deepEqual(order, ['', short, '/docker/web']);
    const values = pages.map(({ value }) => value).filter((value) => !Number.isNaN(value));
    assert.deepEqual(
      values,
      [...values].sort((a, b) => a - b),
    );
  },
);

test('docker: a container that is restarted three times is restarted three times', { skip }, async (t) => {
  const node = await startRuntime(t, 'docker');
  const { knownAs } = await node.run({ name: 'web', command });
  const agent = await node.startAgent(...everybody);
  const restarts = async (): Promise<number | undefined> =>
    byContainer(await agent.page(), 'container_restarts_total').get(knownAs);
  assert.equal(await restarts(), 0);
  for (let i = 0; i < 3; i++) await node.exec('docker', 'restart', '--time', '0', 'web');
  await until('three restarts', async () => ((await restarts()) === 3 ? true : undefined));
  proves(t, 'container_restarts_total');
});

test('docker: a restart of dockerd changes nothing', { skip }, async (t) => {
  const node = await startRuntime(t, 'docker');
  await node.run({ name: 'web', command });
  const agent = await node.startAgent(...everybody);
  const ids = async (): Promise<string[]> =>
    [...byContainer(await agent.page(), usage).keys()].filter((id) => id.startsWith('/docker/'));
  assert.deepEqual(await ids(), ['/docker/web']);
  const dockerd = Number(await node.exec('cat', '/run/docker.pid'));
  process.kill(dockerd, 'SIGKILL');
  await sleep(2500); // two snapshots
  assert.deepEqual(await ids(), ['/docker/web']);
});
