/** Who is who, on the page of the whole agent: captured trees of cgroups, and runtimes that answer for them. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Server, ServerCredentials, status, type handleUnaryCall } from '@grpc/grpc-js';
import protobuf from 'protobufjs/minimal.js';
import type { Machine } from '../../src/agent.ts';
import { capturedHost, type CapturedHost } from '../hosts/host.ts';
import { noteSeen } from '../conformance/seen.ts';
import { proves } from '../proof.ts';
import { captured, run } from './rig.ts';

type Labels = Readonly<Record<string, string>>;

/** What a runtime says of a container; a Buffer is its answer as it is. */
type Said = { name?: string; labels?: Labels; environment?: readonly string[]; image?: string } | Buffer;
type RuntimeName = 'docker' | 'containerd' | 'crio' | 'user';

interface Example {
  /** `<64>` is the id of the container, of which `by` knows. */
  readonly path: string;
  readonly by?: RuntimeName;
  readonly says?: Said;
  /** Null: it is no container. */
  readonly id: string | null;
  /** What its process says its cgroup is, where that is something else. */
  readonly own?: string;
}

const uid = '11111111-2222-3333-4444-555555555555';
const pod = uid.replaceAll('-', '_');
const podSlices = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${pod}.slice`;
const minutes = (daysAgo: number): number =>
  Math.floor((Date.UTC(2026, 0, 2, 3, 4, 5) - daysAgo * 86_400_000) / 60_000);
const ofPod = (name: string, container: string, namespace = 'shop'): Said => ({
  labels: {
    'io.kubernetes.pod.namespace': namespace,
    'io.kubernetes.pod.name': name,
    'io.kubernetes.container.name': container,
  },
});
const nomad = ['NAMESPACE=default', 'JOB_NAME=api', 'GROUP_NAME=web', 'ALLOC_ID=a1-b2', 'TASK_NAME=server'];
const task = '0123456789abcdef0123456789abcdef';
const user = '/user.slice/user-1000.slice/user@1000.service/user.slice';

const examples: readonly Example[] = [
  { path: '/system.slice/ssh.service', id: '/system.slice/ssh.service' },
  {
    path: '/system.slice/system-postgresql.slice/postgresql@9.4-main.service',
    id: '/system.slice/system-postgresql.slice',
  },
  { path: '/system.slice/system-serial\\x2dgetty.slice', id: null },
  { path: '/runtime.slice/kubelet.service', id: '/runtime.slice/kubelet.service' },
  { path: '/docker/<64>', by: 'docker', says: { name: '/web' }, id: '/docker/web' },
  { path: '/system.slice/docker-<64>.scope', by: 'docker', says: { name: '/db' }, id: '/docker/db' },
  {
    path: '/system.slice/docker-<64>.scope',
    own: '/../../../../system.slice/docker-<64>.scope',
    by: 'docker',
    says: { name: '/far' },
    id: '/docker/far',
  },
  {
    path: `/kubepods/burstable/pod${uid}/<64>`,
    by: 'containerd',
    says: ofPod('web-0', 'nginx'),
    id: '/k8s/shop/web-0/nginx',
  },
  {
    path: `/kubepods/besteffort/pod${uid}/<64>/kube-proxy`,
    by: 'docker',
    says: ofPod('kube-proxy-x2v4z', 'kube-proxy', 'kube-system'),
    id: '/k8s/kube-system/kube-proxy-x2v4z/kube-proxy',
  },
  {
    path: `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${pod}.slice/docker-<64>.scope`,
    by: 'docker',
    says: ofPod('web-1', 'nginx'),
    id: '/k8s/shop/web-1/nginx',
  },
  {
    path: `${podSlices}/cri-containerd-<64>.scope`,
    by: 'containerd',
    says: ofPod('pyroscope-df884bb79-hhxtv', 'pyroscope'),
    id: '/k8s/shop/pyroscope-df884bb79-hhxtv/pyroscope',
  },
  { path: '/system.slice/containerd.service', id: '/system.slice/containerd.service' },
  {
    path: `/system.slice/containerd.service/kubepods-burstable-pod${pod}.slice:cri-containerd:<64>`,
    by: 'containerd',
    says: ofPod('web-2', 'nginx'),
    id: '/k8s/shop/web-2/nginx',
  },
  {
    path: `${podSlices}/crio-<64>.scope/container`,
    by: 'crio',
    says: ofPod('web-3', 'nginx'),
    id: '/k8s/shop/web-3/nginx',
  },
  { path: `${podSlices}/cri-containerd-<64>.scope`, by: 'containerd', says: ofPod('web-4', 'POD'), id: null },
  {
    path: `/kubepods/burstable/pod${uid}/<64>`,
    by: 'containerd',
    says: ofPod(`hello-${minutes(6)}-khz2f`, 'xz', 'default'),
    id: '/k8s-cronjob/default/hello/xz',
  },
  {
    path: `/kubepods/burstable/pod${uid}/<64>`,
    by: 'containerd',
    says: ofPod(`hello-${minutes(8)}-khz2f`, 'xz', 'default'),
    id: `/k8s/default/hello-${minutes(8)}-khz2f/xz`,
  },
  {
    path: '/docker/<64>',
    by: 'docker',
    says: {
      name: '/shop_web.2.q1w2e3',
      labels: {
        'com.docker.swarm.task.name': 'web.2.q1w2e3',
        'com.docker.swarm.service.name': 'shop_web',
        'com.docker.stack.namespace': 'shop',
      },
    },
    id: '/swarm/shop/web/2',
  },
  {
    path: '/docker/<64>',
    by: 'docker',
    says: { name: '/server-a1-b2', environment: nomad.map((line) => `NOMAD_${line}`) },
    id: '/nomad/default/api/web/a1-b2/server',
  },
  { path: '/podruntime/kubelet', id: '/talos/kubelet' },
  { path: '/system/dashboard', id: '/talos/dashboard' },
  { path: '/init', id: '/talos/init' },
  { path: '/lxc/db', id: '/lxc/db' },
  { path: '/lxc.payload.first/system.slice/x.service', id: '/lxc/first' },
  { path: '/system.slice/cri-containerd-<64>.scope', id: null },
  { path: '/system.slice/run-r0123abcd.scope', id: null },
  {
    path: `/ecs/${task}/<64>`,
    by: 'docker',
    says: { name: '/ecs-web-1', labels: { 'com.amazonaws.ecs.container-name': 'app' } },
    id: `/ecs/${task}/app`,
  },
  { path: `${user}/docker-<64>.scope`, by: 'user', says: { name: '/mine' }, id: '/user/1000/docker/mine' },
  // Who calls itself a pod, and is none.
  {
    path: '/docker/<64>/kubepods/burstable',
    by: 'docker',
    says: { ...ofPod('fake-0', 'fake'), name: '/inside' },
    id: '/docker/inside',
  },
  {
    path: `${user}/kubepods/burstable/pod${uid}/<64>`,
    by: 'containerd',
    says: ofPod('fake-1', 'fake'),
    id: null,
  },
  {
    path: `${user}/docker-<64>.scope`,
    by: 'user',
    says: { ...ofPod('fake-2', 'fake'), name: '/other' },
    id: '/user/1000/docker/other',
  },
];

type Kind = 'v2' | 'v1' | 'hybrid';

/** Trees of each kind, and in which of them a container has its directory. */
const mounted: Record<Kind, { mountinfo: string; cgroups: string; trees: readonly string[] }> = {
  v2: { mountinfo: '', cgroups: '', trees: [''] },
  v1: {
    mountinfo: 'memory cgroup memory\ncpu,cpuacct cgroup cpu,cpuacct\nsystemd cgroup name=systemd',
    cgroups: 'memory\t4\t9\t1\n',
    trees: ['/memory', '/cpu,cpuacct', '/systemd'],
  },
  hybrid: {
    mountinfo: 'memory cgroup memory\ncpu,cpuacct cgroup cpu,cpuacct\nunified cgroup2 rw',
    cgroups: 'memory\t4\t9\t1\n',
    trees: ['/memory', '/cpu,cpuacct', '/unified'],
  },
};

async function write(path: string, text: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

const idOf = (index: number): string => index.toString(16).padStart(4, '0').repeat(3).padEnd(64, 'e');

/** memory.stat of v1 and v2 in one: what is written first counts. */
const memory = (bytes: number): string =>
  `anon ${bytes}\nfile_mapped 0\ntotal_rss ${bytes}\ntotal_mapped_file 0\n`;

/** A machine of a kind with these cgroups, in each of which a process runs. */
async function machineWith(t: TestContext, kind: Kind, all: readonly Example[]): Promise<CapturedHost> {
  const host = await capturedHost(t, 'bare');
  const { mountinfo, cgroups, trees } = mounted[kind];
  const mounts = mountinfo
    .split('\n')
    .filter(Boolean)
    .map((line, i) => {
      const [place, type, options] = line.split(' ');
      return `${i + 30} 1 0:${i + 30} / ${host.cgroup}/${place} rw - ${type} cgroup rw,${options}\n`;
    });
  await write(join(host.proc, 'self/mountinfo'), mounts.join(''));
  if (cgroups !== '')
    await write(join(host.proc, 'cgroups'), `#subsys_name\thierarchy\tnum_cgroups\tenabled\n${cgroups}`);
  for (const [i, { path, own }] of all.entries()) {
    const pid = 100 + i;
    await write(join(host.proc, `${pid}/cgroup`), `0::${(own ?? path).replaceAll('<64>', idOf(i))}\n`);
    const named = path.replaceAll('<64>', idOf(i));
    for (const tree of trees) {
      const directory = join(host.cgroup, tree, named);
      await write(join(directory, 'cgroup.procs'), `${pid}\n`);
      await write(join(directory, 'memory.stat'), memory(i));
      // Every cgroup has its files, those that hold nothing but others, too.
      for (let above = dirname(named); above !== '/'; above = dirname(above))
        await writeFile(join(host.cgroup, tree, above, 'memory.stat'), memory(0), { flag: 'a' });
    }
  }
  return host;
}

/** dockerd, CRI-O, containerd and the dockerd of a user, who know the containers of these examples. */
async function answerFor(t: TestContext, host: CapturedHost, all: readonly Example[]): Promise<void> {
  const said = (by: RuntimeName, id: string): Said | undefined =>
    all.find((example, i) => example.by === by && idOf(i) === id)?.says;
  const byHttp = async (
    by: RuntimeName,
    socket: string,
    answerOf: (said: Exclude<Said, Buffer>) => object,
  ): Promise<void> => {
    await mkdir(dirname(join(host.root, socket)), { recursive: true });
    const server = createServer(({ url = '' }, answer) => {
      const found = said(by, url.split('/')[2] ?? '');
      if (found === undefined) answer.writeHead(404).end();
      else answer.end(Buffer.isBuffer(found) ? found : JSON.stringify(answerOf(found)));
    });
    await new Promise<void>((resolve) => server.listen(join(host.root, socket), resolve));
    t.after(() => server.close());
  };
  const ofDocker = ({ name, labels, environment, image }: Exclude<Said, Buffer>): object => ({
    Name: name,
    Config: { Labels: labels, Env: environment, Image: image ?? 'image:1' },
  });
  await byHttp('docker', 'run/docker.sock', ofDocker);
  await byHttp('user', 'run/user/1000/docker.sock', ofDocker);
  await byHttp('crio', 'run/crio/crio.sock', ({ labels }) => ({ name: 'k8s', labels, image: 'image:1' }));

  const get: handleUnaryCall<string, Said> = ({ request }, done) => {
    const found = said('containerd', request);
    if (found === undefined) done({ code: status.NOT_FOUND });
    else done(null, found);
  };
  const containerd = new Server();
  containerd.addService(
    {
      get: {
        path: '/containerd.services.containers.v1.Containers/Get',
        requestStream: false,
        responseStream: false,
        requestSerialize: (id: string) => Buffer.from(id),
        requestDeserialize: (bytes: Buffer) => bytes.toString('utf8', 2),
        responseSerialize: (answer: Said) => encodeContainer(Buffer.isBuffer(answer) ? {} : answer),
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    { get },
  );
  await mkdir(join(host.root, 'run/containerd'), { recursive: true });
  const address = `unix:${join(host.root, 'run/containerd/containerd.sock')}`;
  await new Promise<void>((resolve, reject) =>
    containerd.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  t.after(() => containerd.forceShutdown());
}

/** GetContainerResponse of containerd: labels are field 2 of the container, its image field 3. */
function encodeContainer({ labels = {} }: Exclude<Said, Buffer>): Buffer {
  const container = protobuf.Writer.create();
  for (const [key, value] of Object.entries(labels))
    container.uint32(18).fork().uint32(10).string(key).uint32(18).string(value).ldelim();
  container.uint32(26).string('image:1');
  return Buffer.from(protobuf.Writer.create().uint32(10).bytes(container.finish()).finish());
}

const family = 'container_resources_memory_rss_bytes';
const line = /^(\w+)(?:\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? \S+$/;

/** Memory by `container_id` as it is written; every line of the page is one of the text format. */
async function idsOn(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  noteSeen(text);
  const found = new Map<string, number>();
  for (const each of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    const [, name, labels = ''] = line.exec(each) ?? [];
    assert.notEqual(name, undefined, each);
    const id = /(?:^|,)container_id="((?:[^"\\]|\\.)*)"/.exec(labels)?.[1];
    if (name === family) found.set(id ?? '', Number(each.slice(each.lastIndexOf(' '))));
  }
  return found;
}

const everybody = ['--min-container-age', '0s'];

for (const kind of ['v2', 'v1', 'hybrid'] as const)
  test(`${kind}: every example is who it is, on the page`, async (t) => {
    const host = await machineWith(t, kind, examples);
    await answerFor(t, host, examples);
    const agent = await run(t, captured(host), ['--cgroupfs-root', host.cgroup, ...everybody]);
    const expected = examples.map(({ id }) => id).filter((id) => id !== null);
    assert.deepEqual([...(await idsOn(agent.url)).keys()].sort(), [...new Set(expected)].sort());
  });

test('a pod of the memory hierarchy is that pod, whatever the v2 tree says', async (t) => {
  const host = await machineWith(t, 'hybrid', []);
  const says = ofPod('web-0', 'nginx');
  await answerFor(t, host, [{ path: '', by: 'containerd', says, id: null }]);
  for (const tree of ['memory', 'cpu,cpuacct']) {
    const directory = join(host.cgroup, tree, `kubepods/burstable/pod${uid}/${idOf(0)}`);
    await write(join(directory, 'memory.stat'), 'total_rss 1\ntotal_mapped_file 0\n');
    await write(join(directory, 'cgroup.procs'), '100\n');
  }
  await write(join(host.cgroup, 'unified/reserved.slice/containerd.service/cgroup.procs'), '100\n');
  const agent = await run(t, captured(host), ['--cgroupfs-root', host.cgroup, ...everybody]);
  assert.deepEqual([...(await idsOn(agent.url)).keys()], ['/k8s/shop/web-0/nginx']);
});

const raw = (bytes: string): Buffer => Buffer.from(`{"Name":"${bytes}"}`, 'latin1');
const hostile: readonly Said[] = [
  { name: '/a\nb' },
  { name: '/a"} 1\nup{x="' },
  { name: `/${'x'.repeat(10_000)}` },
  { name: '/../../etc' },
  { name: '/a/b' },
  { name: '/~other' },
  { name: '/a\\' },
  raw('a\xff\xfe'),
  raw('\xc0\xaf'),
  raw('a\\u0000b'),
  raw('\\ud800'),
];

test('names that are none inject nothing and own nothing: those containers have their short ids', async (t) => {
  const all = [
    ...hostile.map((says): Example => ({ path: '/docker/<64>', by: 'docker', says, id: null })),
    { path: '/system.slice/a"b.service', id: null },
    { path: '/system.slice/a\nb 1.service', id: null },
    { path: `/system.slice/${'y'.repeat(240)}.service`, id: null },
  ];
  const host = await machineWith(t, 'v2', all);
  await answerFor(t, host, all);
  await mkdir(Buffer.concat([Buffer.from(`${host.cgroup}/system.slice/`), Buffer.from([0xff, 0xfe])]));
  let laterMs = 0;
  const bare = captured(host);
  const machine: Machine = {
    ...bare,
    clock: { ...bare.clock, monotonic: () => performance.now() + laterMs },
  };
  const agent = await run(t, machine, ['--cgroupfs-root', host.cgroup, ...everybody]);
  const units = [
    '/system.slice/a\\"b.service',
    '/system.slice/a\\nb 1.service',
    `/system.slice/${'y'.repeat(240)}.service`,
  ];
  assert.deepEqual([...(await idsOn(agent.url)).keys()].sort(), [...units].sort());
  laterMs = 11_000;
  const shortIds = hostile.map((_, i) => `/docker/${idOf(i).slice(0, 12)}`);
  assert.deepEqual([...(await idsOn(agent.url)).keys()].sort(), [...units, ...shortIds].sort());
});

test('two containers with one name are one, with the figures of both', async (t) => {
  const twin: Example = { path: '/docker/<64>', by: 'docker', says: { name: '/twin' }, id: '/docker/twin' };
  const all = [{ ...twin, path: '/docker/none' }, twin, twin, twin];
  const host = await machineWith(t, 'v2', all);
  await answerFor(t, host, all);
  const agent = await run(t, captured(host), ['--cgroupfs-root', host.cgroup, ...everybody]);
  assert.deepEqual(Object.fromEntries(await idsOn(agent.url)), { '/docker/twin': 1 + 2 + 3 });
});

test('scopes of the system are on the page when asked for', async (t) => {
  proves(t, '--track-scopes');
  const all: Example[] = [
    { path: '/system.slice/run-r0123abcd.scope', id: null },
    { path: '/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt', id: null },
  ];
  const host = await machineWith(t, 'v2', all);
  const agent = await run(t, captured(host), [
    '--cgroupfs-root',
    host.cgroup,
    '--track-scopes',
    ...everybody,
  ]);
  assert.deepEqual([...(await idsOn(agent.url)).keys()].sort(), [
    '/scope/machine-qemu-1-vm',
    '/scope/run-r0123abcd',
  ]);
});

test('beyond --max-containers the others are summed, and said how many they are', async (t) => {
  proves(t, '--max-containers');
  const all = Array.from({ length: 12 }, (_, i): Example => ({
    path: `/system.slice/u${i}.service`,
    id: null,
  }));
  const host = await machineWith(t, 'v2', all);
  const agent = await run(t, captured(host), [
    '--cgroupfs-root',
    host.cgroup,
    '--max-containers',
    '4',
    ...everybody,
  ]);
  const ids = await idsOn(agent.url);
  assert.equal(ids.size, 5);
  const sum = [...ids.values()].reduce((one, other) => one + other);
  assert.equal(
    sum,
    all.reduce((total, _, i) => total + i, 0),
  );
  const text = await (await fetch(`${agent.url}/metrics`)).text();
  assert.match(text, /^node_agent_folded_containers\{[^}]*\} 8$/m);
  assert.match(text, /^node_agent_containers\{[^}]*\} 4$/m);
  assert.doesNotMatch(text, /container_restarts_total\{[^}]*~other/);
});

test('what is too young is counted', async (t) => {
  const all = Array.from({ length: 3 }, (_, i): Example => ({
    path: `/system.slice/u${i}.service`,
    id: null,
  }));
  const host = await machineWith(t, 'v2', all);
  const agent = await run(t, captured(host), ['--cgroupfs-root', host.cgroup, '--min-container-age', '1h']);
  const text = await (await fetch(`${agent.url}/metrics`)).text();
  assert.match(text, /^node_agent_hidden_containers\{[^}]*reason="too_young"[^}]*\} 3$/m);
  assert.equal((await idsOn(agent.url)).size, 0);
});
