import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerIdOf, type Known } from './names.ts';
import type { Place } from './places.ts';
import type { Inspection, RuntimeName } from './runtimes/inspection.ts';

const now = Date.UTC(2026, 0, 2);
const minutes = String(Math.floor(now / 60_000) - 60);
const longAgo = String(Math.floor(now / 60_000) - 8 * 24 * 60);

function known(runtime: RuntimeName, where: boolean | Place, inspection: Partial<Inspection>): Known {
  const place = typeof where === 'object' ? where : ({ kind: where ? 'pod' : 'machine' } as const);
  return { runtime, place, inspection: { name: '', labels: {}, image: '', environment: [], ...inspection } };
}

const pod = (name: string, container: string): Partial<Inspection> => ({
  name: 'k8s_name',
  labels: {
    'io.kubernetes.pod.namespace': 'shop',
    'io.kubernetes.pod.name': name,
    'io.kubernetes.container.name': container,
  },
});
const task = (name: string, service: string, stack?: string): Partial<Inspection> => ({
  name: 'x',
  labels: {
    'com.docker.swarm.task.name': name,
    'com.docker.swarm.service.name': service,
    ...(stack !== undefined && { 'com.docker.stack.namespace': stack }),
  },
});
const nomad = ['NAMESPACE=default', 'JOB_NAME=api', 'GROUP_NAME=web', 'ALLOC_ID=a1-b2', 'TASK_NAME=server'];
const environment = nomad.map((line) => `NOMAD_${line}`);

const ecs: Place = { kind: 'ecs', task: '0a1b' };
const ecsName = 'com.amazonaws.ecs.container-name';

const table: readonly [what: string, from: Known, id: string | undefined][] = [
  ['docker', known('docker', false, { name: 'web' }), '/docker/web'],
  ['docker without a name', known('docker', false, {}), 'ignored'],
  ['pod by containerd', known('containerd', true, pod('web-0', 'nginx')), '/k8s/shop/web-0/nginx'],
  ['pod by dockerd', known('docker', true, pod('web-0', 'nginx')), '/k8s/shop/web-0/nginx'],
  ['pod by CRI-O', known('crio', true, pod('web-0', 'nginx')), '/k8s/shop/web-0/nginx'],
  ['the process of a pod itself', known('docker', true, pod('web-0', 'POD')), 'ignored'],
  ['a sandbox', known('containerd', true, pod('web-0', '')), 'ignored'],
  ['no pod at all', known('containerd', true, {}), 'ignored'],
  ['CronJob', known('containerd', true, pod(`hello-${minutes}-khz2f`, 'xz')), '/k8s-cronjob/shop/hello/xz'],
  [
    'CronJob of last week',
    known('containerd', true, pod(`hello-${longAgo}-khz2f`, 'xz')),
    `/k8s/shop/hello-${longAgo}-khz2f/xz`,
  ],
  ['labels of Kubernetes outside of it', known('docker', false, pod('web-0', 'nginx')), '/docker/k8s_name'],
  ['Swarm', known('docker', false, task('web.2.q1w2e3', 'shop_web', 'shop')), '/swarm/shop/web/2'],
  ['Swarm without a stack', known('docker', false, task('web.n0de.q1w2e3', 'web')), '/swarm/_/web/n0de'],
  ['no task of Swarm', known('docker', false, task('web.2', 'web')), '/docker/x'],
  ['Nomad', known('docker', false, { name: 'x', environment }), '/nomad/default/api/web/a1-b2/server'],
  ['Nomad in part', known('docker', false, { name: 'x', environment: environment.slice(1) }), '/docker/x'],
  ['podman', known('podman', false, { name: 'db' }), '/podman/db'],
  ['podman of a user', known('podman', { kind: 'user', uid: 1000 }, { name: 'db' }), '/user/1000/podman/db'],
  [
    'whatever a user says it is',
    known('docker', { kind: 'user', uid: 7 }, { ...pod('web-0', 'nginx'), ...task('web.2.q', 'web') }),
    '/user/7/docker/x',
  ],
  ['a user without a name', known('docker', { kind: 'user', uid: 7 }, {}), undefined],
  ['a user as another one', known('docker', { kind: 'user', uid: 7 }, { name: '../8/docker/x' }), undefined],
  ['gVisor', known('containerd', { kind: 'sandbox' }, pod('web-0', '')), '/k8s/shop/web-0/sandbox'],
  ['gVisor without a pod', known('containerd', { kind: 'sandbox' }, {}), 'ignored'],
  ['ECS', known('docker', ecs, { name: 'ecs-web-1', labels: { [ecsName]: 'web' } }), '/ecs/0a1b/web'],
  [
    'the pause container of ECS',
    known('docker', ecs, { labels: { [ecsName]: '~internal~ecs~pause' } }),
    'ignored',
  ],
  ['ECS without its label', known('docker', ecs, { name: 'ecs-web-1' }), undefined],
  ['ECS elsewhere', known('docker', false, { name: 'y', labels: { [ecsName]: 'web' } }), '/docker/y'],
  ['bytes that are no text', known('docker', false, { name: 'a\ufffdb' }), undefined],
  ['a separator of lines', known('docker', false, { name: 'a\u2028b' }), undefined],
  ['no bytes', known('docker', false, { name: 'a\0b' }), undefined],
  ['who stands for others', known('docker', false, { name: '~other' }), undefined],
  ['a path for a name', known('docker', false, { name: 'a/b' }), undefined],
  ['a line for a name', known('docker', false, { name: 'a\nb' }), undefined],
  ['quotes', known('docker', false, { name: 'a"b' }), undefined],
  ['a parent for a name', known('docker', false, { name: '..' }), undefined],
  ['a name without end', known('docker', false, { name: 'a'.repeat(10_000) }), undefined],
  ['a pod of another', known('containerd', true, pod('web/../x', 'nginx')), undefined],
];

for (const [what, from, id] of table)
  test(`${what}: ${id}`, () => assert.equal(containerIdOf(from, now), id));
