/** A Kubernetes cluster of one node under the kernel of this machine: etcd, API server, controllers, scheduler, kubelet, containerd. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startAgent, type NodeAgent } from '../nodes/runtimes/base/agent.ts';
import { skip as withoutNode, startNode, until, type Node } from '../nodes/runtimes/base/node.ts';
import { runtime } from '../nodes/runtimes/containerd.ts';
import { peer, without } from '../peers/peer.ts';

const programs = peer('kubernetes');

/** A sentence when a cluster cannot run here. */
export const skip = withoutNode || without(programs, 'kubernetes');

/** Of the node itself (mounts.sh), for pods too. */
export const address = '10.99.0.1';
const server = `https://${address}:6443`;

/** A program of this cluster may take this long to start: the machine may be busy. */
const startMs = 120_000;

const folder = '/etc/kubernetes';
const kubeconfig = join(folder, 'config');

/**
 * The kubelet writes these, which are the whole machine's, where they are not what it wants (pkg/kubelet/cm): it is shown
 * what it wants.
 */
export const sysctls = {
  'vm/overcommit_memory': 1,
  'vm/panic_on_oom': 0,
  'kernel/panic': 10,
  'kernel/panic_on_oops': 1,
  'kernel/keys/root_maxkeys': 1_000_000,
  'kernel/keys/root_maxbytes': 25_000_000,
};

export interface Cluster extends Node {
  /** Runs kubectl to its end; answers its standard output. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** What `kubectl get` answers for a kind, of all namespaces. */
  get<T>(kind: string): Promise<readonly T[]>;
  create(...objects: readonly object[]): Promise<void>;
  /** Asks until there is an answer; rejects after `patienceMs`, and says how the cluster is. */
  until<T>(what: string, ask: () => Promise<T | undefined>, patienceMs: number): Promise<T>;
  startAgent(...args: readonly string[]): Promise<NodeAgent>;
}

/** Starts a cluster; resolves when its node is Ready. Nothing is left of it once it is stopped or this process has ended. */
export async function startCluster(): Promise<Cluster> {
  const node = await startNode(undefined, [programs!]);
  try {
    await runtime.start(node);
    const cluster = clusterOn(node);
    await writeConfiguration(node);
    await startControlPlane(node, cluster);
    await mountSysctls(node);
    startKubelet(node);
    await until(
      'the node is Ready',
      () => cluster.kubectl('wait', '--for=condition=Ready', '--timeout=1s', 'node/node'),
      startMs,
    );
    return cluster;
  } catch (cause) {
    const logs = await node.logs().catch(() => 'it has no logs');
    await node.stop().catch(() => {});
    throw new Error(`the cluster does not start: ${String(cause)}\n${logs}`, { cause });
  }
}

function clusterOn(node: Node): Cluster {
  const kubectl = (...args: readonly string[]): Promise<string> =>
    node.exec(join(programs!, 'kubectl'), '--kubeconfig', kubeconfig, ...args);
  let files = 0;
  return {
    ...node,
    kubectl,
    async get<T>(kind: string) {
      const answer = await kubectl('get', kind, '--all-namespaces', '--output=json');
      return (JSON.parse(answer) as { items: readonly T[] }).items;
    },
    async create(...objects) {
      const file = `/tmp/objects-${files++}.json`;
      const list = { apiVersion: 'v1', kind: 'List', items: objects };
      await writeFile(node.path(file), JSON.stringify(list));
      await kubectl('create', '--filename', file);
    },
    until: (what, ask, patienceMs) =>
      until(what, ask, patienceMs).catch(async (cause: unknown) => {
        const said = await kubectl('get', 'pods,events', '--all-namespaces').catch(String);
        throw new Error(`${String(cause)}\n${said}\n${await node.logs()}`, { cause });
      }),
    startAgent: (...args) => startAgent(node, args),
  };
}

async function write(node: Node, file: string, content: string): Promise<void> {
  await mkdir(node.path(dirname(file)), { recursive: true });
  await writeFile(node.path(file), content);
}

/** Who has the token may do everything, and nobody else is in this network. */
async function writeConfiguration(node: Node): Promise<void> {
  const token = randomBytes(16).toString('hex');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  };
  const kubelet = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    // Below the cgroup that holds the node, where its end finds everything.
    cgroupRoot: `/${node.name}`,
    cgroupDriver: 'cgroupfs',
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    resolvConf: '',
    evictionHard: { 'memory.available': '100Mi' },
    imageGCHighThresholdPercent: 100,
    // What ends is started again at once, so that tests need not wait.
    crashLoopBackOff: { maxContainerRestartPeriod: '1s' },
  };
  await write(node, kubeconfig, JSON.stringify(config));
  await write(node, join(folder, 'kubelet.json'), JSON.stringify(kubelet));
  await write(node, join(folder, 'tokens.csv'), `${token},admin,1,system:masters\n`);
  await node.exec('openssl', 'genrsa', '-out', join(folder, 'accounts.key'), '2048');
}

async function startControlPlane(node: Node, { kubectl }: Cluster): Promise<void> {
  const store = 'http://127.0.0.1:2379';
  const accounts = join(folder, 'accounts.key');
  const start = (program: string, ...args: readonly string[]): unknown =>
    node.daemon(join(programs!, program), ...args);
  start('server', '--data-dir=/run/etcd', '--unsafe-no-fsync'); // etcd, by the name of its Go package
  start(
    'kube-apiserver',
    `--etcd-servers=${store}`,
    `--bind-address=${address}`,
    '--cert-dir=/run/kubernetes',
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    '--authorization-mode=AlwaysAllow',
    '--allow-privileged=true',
    '--service-cluster-ip-range=10.0.0.0/24',
    `--service-account-issuer=${server}`,
    `--service-account-key-file=${accounts}`,
    `--service-account-signing-key-file=${accounts}`,
    '--disable-admission-plugins=ServiceAccount',
    '--kubelet-preferred-address-types=InternalIP',
  );
  await until('the API server', () => kubectl('get', '--raw', '/readyz'), startMs);
  for (const program of ['kube-controller-manager', 'kube-scheduler'])
    start(program, `--kubeconfig=${kubeconfig}`, '--leader-elect=false');
}

async function mountSysctls(node: Node): Promise<void> {
  for (const [name, value] of Object.entries(sysctls)) {
    await write(node, `/run/sysctls/${name}`, `${value}\n`);
    await node.exec('mount', '--bind', `/run/sysctls/${name}`, `/proc/sys/${name}`);
  }
}

function startKubelet(node: Node): void {
  node.daemon(
    join(programs!, 'kubelet'),
    `--kubeconfig=${kubeconfig}`,
    `--config=${join(folder, 'kubelet.json')}`,
    '--hostname-override=node',
    `--node-ip=${address}`,
  );
}
