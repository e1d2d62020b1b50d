import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerIdOf, type Known } from './names.ts';
import type { Inspection, RuntimeName } from './runtimes/inspection.ts';

const now = Date.UTC(2026, 0, 2);
const minutes = String(Math.floor(now / 60_000) - 60);
const longAgo = String(Math.floor(now / 60_000) - 8 * 24 * 60);

function known(runtime: RuntimeName, inPod: boolean, inspection: Partial<Inspection>): Known {
  return { runtime, inPod, inspection: { name: '', labels: {}, image: '', environment: [], ...inspection } };
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
  ['a path for a name', known('docker', false, { name: 'a/b' }), undefined],
  ['a line for a name', known('docker', false, { name: 'a\nb' }), undefined],
  ['quotes', known('docker', false, { name: 'a"b' }), undefined],
  ['a parent for a name', known('docker', false, { name: '..' }), undefined],
  ['a name without end', known('docker', false, { name: 'a'.repeat(10_000) }), undefined],
  ['a pod of another', known('containerd', true, pod('web/../x', 'nginx')), undefined],
];

for (const [what, from, id] of table)
  test(`${what}: ${id}`, () => assert.equal(containerIdOf(from, now), id));
