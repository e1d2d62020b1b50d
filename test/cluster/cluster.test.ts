/** The agent on a node of Kubernetes: what it says of pods is what the API server, their specifications and they themselves say. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { noteSeen } from '../conformance/seen.ts';
import { imageName } from '../nodes/runtimes/base/image.ts';
import type { NodeAgent } from '../nodes/runtimes/base/agent.ts';
import { until } from '../nodes/runtimes/base/node.ts';
import { traces } from '../nodes/runtimes/base/traces.ts';
import { seriesOf } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { address, skip, startCluster, type Cluster } from './cluster.ts';
import { cronJob, hostPod, job, namespace, pod, workload, type Main, type Pod } from './objects.ts';

/** How often a container connects each time that it starts. */
const connects: Readonly<Record<string, number>> = {
  ...{ web: 40, db: 30, logs: 50, report: 60, once: 20, left: 70, right: 25 },
  ...{ host: 15, before: 3, beside: 4, main: 7 },
};
const port = 8080;

/** Connects, notes how often that worked, and stays, if it is not to end. */
function caller(name: string, more: Pick<Main, 'limits' | 'init'> = {}): Main {
  const loop = `i=0; n=0; while [ $i -lt ${connects[name]} ]; do busybox nc ${address} ${port} </dev/null && n=$((n+1)); i=$((i+1)); done`;
  const end = more.init === 'before' ? 'exit' : 'exec sleep 10000';
  return { name, script: `${loop}; echo $n >>/state/made-${name}; ${end}`, ...more };
}

/** Ends with a failure three times, then stays. */
const failing: Main = {
  name: 'failing',
  script: 'echo start >>/state/starts; [ $(busybox wc -l </state/starts) -gt 3 ] && exec sleep 10000; exit 1',
};

/** Three processes of it ask for too much memory; the third is the container's first. Then it stays. */
const greed = `busybox sh -c 'x=x; while :; do x=$x$x; done'`;
const greedy: Main = {
  name: 'greedy',
  script: `[ -e /state/once ] && exec sleep 10000; : >/state/once; ${greed}; ${greed}; exec ${greed}`,
  limits: { memory: '32Mi' },
};

const limits = { cpu: '250m', memory: '64Mi' };

/** Workloads whose containers tell them in their ids; the containers have the same names. */
const applications: ReadonlySet<string> = new Set(['web', 'db', 'logs', 'once']);

let cluster: Cluster;
let agent: NodeAgent;
let page: string;

if (skip === false) {
  before(async () => {
    cluster = await startCluster();
    cluster.daemon('busybox', 'nc', '-ll', '-p', String(port), '-e', '/bin/true');
    agent = await cluster.startAgent('--min-container-age', '0s');
    await cluster.create(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      workload('Deployment', 'web', caller('web', { limits }), 2),
      workload('StatefulSet', 'db', caller('db'), 2),
      workload('DaemonSet', 'logs', caller('logs')),
      cronJob('report', caller('report')),
      job('once', caller('once')),
      pod('pair', caller('left'), caller('right')),
      hostPod('host', caller('host')),
      pod('row', caller('before', { init: 'before' }), caller('beside', { init: 'beside' }), caller('main')),
      pod('failing', failing),
      pod('greedy', greedy),
    );
    await cluster.until('every pod, and the CronJob', settled, 180_000);
    page = await agent.page();
    noteSeen(page);
  });
  after(async () => {
    await cluster?.stop();
    assert.deepEqual(traces(cluster?.name ?? 'testnode'), []);
  });
}

/** All containers run, with all that is to happen to them. */
async function settled(): Promise<true | undefined> {
  const all = await containers();
  const restarts = (name: string) => all.find((container) => container.name === name)?.restarts;
  const done = all.length === 15 && all.every(({ ready, made }) => ready && made !== undefined);
  return done && restarts('failing') === 3 && restarts('greedy') === 1 ? true : undefined;
}

interface Container {
  readonly name: string;
  /** What the agent is to call it. */
  readonly knownAs: string;
  readonly appId: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** Why it ended last. */
  readonly ended: string | undefined;
  /** Of containerd. */
  readonly runtimeId: string;
  /** Connections, over all its starts; undefined while it is at it. */
  readonly made: number | undefined;
}

/** What the API server and the containers themselves say. */
async function containers(): Promise<readonly Container[]> {
  const pods = await cluster.get<Pod>('pods');
  const all = pods.flatMap(({ metadata, status }) =>
    [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map(
      async (container): Promise<Container> => {
        const { name, ready, restartCount, containerID = '', lastState } = container;
        const state = `/var/lib/kubelet/pods/${metadata.uid}/volumes/kubernetes.io~empty-dir/state/made-${name}`;
        const starts = name in connects ? await numbersOf(state) : [];
        return {
          name,
          knownAs:
            name === 'report' ? '/k8s-cronjob/shop/report/report' : `/k8s/shop/${metadata.name}/${name}`,
          appId: applications.has(name) ? `/k8s/shop/${name}` : '',
          ready,
          restarts: restartCount,
          ended: lastState.terminated?.reason,
          runtimeId: containerID.replace('containerd://', ''),
          made: starts.length > restartCount || !(name in connects) ? sum(starts) : undefined,
        };
      },
    ),
  );
  return Promise.all(all);
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/** Numbers of a file of the node, one a line; none while there is no such file. */
async function numbersOf(file: string): Promise<number[]> {
  const text = await readFile(cluster.path(file), 'utf8').catch(() => '');
  return text.split('\n').slice(0, -1).map(Number);
}

/** Series of a family in pods: labels and value. */
function series(text: string, family: string): { labels: Record<string, string>; value: number }[] {
  return [...seriesOf(text)].flatMap(([key, value]) => {
    if (!key.startsWith(`${family}{`) || !key.includes('container_id="/k8s')) return [];
    const labels = [...key.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, text]) => [name!, text!] as const);
    return [{ labels: Object.fromEntries(labels), value }];
  });
}

/** Sums of a family by container id. */
function byContainer(text: string, family: string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { labels, value } of series(text, family)) {
    const id = labels['container_id'] ?? '';
    sums.set(id, (sums.get(id) ?? 0) + value);
  }
  return sums;
}

const sorted = (entries: Iterable<readonly [string, unknown]>): unknown[] =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

test(
  'every container has its id, its application and its image; the sandboxes of pods have none',
  { skip },
  async (t) => {
    const wanted = (await containers()).map(({ knownAs, appId }) => [knownAs, [appId, imageName]] as const);
    const shown = series(page, 'container_info').map(
      ({ labels }) => [labels['container_id']!, [labels['app_id'], labels['image']]] as const,
    );
    assert.deepEqual(sorted(shown), sorted(wanted));
    const all = new Set([...page.matchAll(/container_id="(\/k8s[^"]*)"/g)].map(([, id]) => id!));
    assert.deepEqual([...all].sort(), wanted.map(([id]) => id).sort(), 'nothing else in any family');
    proves(t, 'container_info');
  },
);

test('every family has the same application for a container', { skip }, () => {
  const pairs = new Set(
    [...seriesOf(page).keys()]
      .filter((key) => key.includes('container_id="/k8s'))
      .map((key) =>
        ['container_id', 'app_id'].map((name) => new RegExp(`\\b${name}="([^"]*)"`).exec(key)?.[1]).join(' '),
      ),
  );
  assert.equal(pairs.size, 15, [...pairs].join('\n'));
});

test('every connect counts for the container that made it', { skip }, async (t) => {
  const family = 'container_net_tcp_successful_connects_total';
  const all = await containers();
  for (const { name, made, restarts } of all)
    if (name in connects) assert.equal(made, connects[name]! * (restarts + 1), `${name} connected`);
  const wanted = all
    .filter(({ name }) => name in connects)
    .map(({ knownAs, made }) => [knownAs, made] as const);
  assert.deepEqual(sorted(byContainer(page, family)), sorted(wanted));
  const destinations = series(page, family).map(({ labels }) => labels['destination']);
  assert.deepEqual(new Set(destinations), new Set([`${address}:${port}`]));
  proves(t, family);
});

test('the limits are those of the specification, and nobody else has any', { skip }, async (t) => {
  const [cores, bytes] = [
    'container_resources_cpu_limit_cores',
    'container_resources_memory_limit_bytes',
  ] as const;
  const all = await containers();
  const of = (name: string) =>
    all.filter((container) => container.name === name).map(({ knownAs }) => knownAs);
  assert.deepEqual(sorted(byContainer(page, cores)), sorted(of('web').map((id) => [id, 0.25])));
  assert.deepEqual(
    sorted(byContainer(page, bytes)),
    sorted([
      ...of('web').map((id) => [id, 64 << 20] as const),
      ...of('greedy').map((id) => [id, 32 << 20] as const),
    ]),
  );
  proves(t, cores, bytes);
});

test('a container that failed three times was restarted three times, under one id', { skip }, async (t) => {
  const family = 'container_restarts_total';
  const wanted = (await containers()).map(({ knownAs, restarts }) => [knownAs, restarts] as const);
  assert.equal(wanted.filter(([, restarts]) => restarts === 3).length, 1);
  assert.deepEqual(sorted(byContainer(page, family)), sorted(wanted));
  proves(t, family);
});

test('a container that the kernel killed for want of memory has each kill', { skip }, async (t) => {
  const family = 'container_oom_kills_total';
  const greedy = (await containers()).find(({ name }) => name === 'greedy');
  assert.equal(greedy?.ended, 'OOMKilled');
  assert.deepEqual([...byContainer(page, family)], [[greedy.knownAs, 3]]);
  proves(t, family);
});

test(
  'of two containers of a pod the one that is killed three times is restarted three times',
  { skip },
  async (t) => {
    const right = async () => (await containers()).find(({ name }) => name === 'right')!;
    for (let kill = 1; kill <= 3; kill++) {
      const { runtimeId } = await right();
      await cluster.exec('ctr', '--namespace', 'k8s.io', 'task', 'kill', '--signal', 'SIGKILL', runtimeId);
      await until(`start ${kill}`, async () => {
        const { restarts, made, ready } = await right();
        return ready && restarts === kill && made !== undefined ? true : undefined;
      });
    }
    await sleep(1100); // a snapshot is reused for a second
    const text = await agent.page();
    const of = (family: string) =>
      ['left', 'right'].map((name) => byContainer(text, family).get(`/k8s/shop/pair/${name}`));
    assert.deepEqual(of('container_restarts_total'), [0, 3]);
    assert.deepEqual(of('container_net_tcp_successful_connects_total'), [
      connects['left'],
      4 * connects['right']!,
    ]);
    assert.equal(byContainer(text, 'container_info').size, 15);
    proves(t, 'container_restarts_total');
  },
);

test('an agent that starts later knows those that run from its first page on', { skip }, async (t) => {
  assert.equal(await agent.end(), 0, agent.log());
  agent = await cluster.startAgent('--min-container-age', '0s');
  const text = await agent.page();
  const ids = (page: string): string[] =>
    series(page, 'container_info').map(({ labels }) => JSON.stringify(labels));
  const running = ids(page).filter((labels) => !labels.includes('/row/before"'));
  assert.deepEqual(ids(text).sort(), running.sort());
  for (const family of ['container_resources_cpu_limit_cores', 'container_resources_memory_limit_bytes'])
    assert.deepEqual(sorted(byContainer(text, family)), sorted(byContainer(page, family)));
  const restarts = byContainer(text, 'container_restarts_total');
  assert.deepEqual(new Set(restarts.values()), new Set([0]), 'since the agent has started');
  proves(t, 'container_info');
});
