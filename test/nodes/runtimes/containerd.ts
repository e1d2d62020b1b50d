import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { credentials, loadPackageDefinition, type Client, type requestCallback } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { imageName, writeImage } from './base/image.ts';
import { until, type Node } from './base/node.ts';
import type { Runtime } from './runtime.ts';

const socket = '/run/containerd/containerd.sock';
/** containerd keeps the images of Kubernetes in a namespace of its own. */
const kubernetes = ['-n', 'k8s.io'];
/** The pod's own process is our image, too, which sleeps unless told otherwise: there is no registry to get another from. */
const config = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "${imageName}"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
`;
const network = {
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: true,
      ipam: { type: 'host-local', subnet: '10.244.0.0/24', routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
};

/** containerd as the kubelet drives it: every container is the only one of a pod in the Kubernetes namespace `shop`. */
export const runtime: Runtime = {
  async start(node) {
    await mkdir(node.path('/etc/cni/net.d'), { recursive: true });
    await mkdir(node.path('/etc/containerd'), { recursive: true });
    await writeFile(node.path('/etc/cni/net.d/10-pods.conflist'), JSON.stringify(network));
    await writeFile(node.path('/etc/containerd/config.toml'), config);
    node.daemon('containerd');
    await Promise.all([
      until('containerd', () => node.exec('ctr', 'version')),
      writeImage(node.path('/tmp/image.tar'), node.path('/bin/busybox')),
    ]);
    await node.exec('ctr', ...kubernetes, 'images', 'import', '/tmp/image.tar');
  },

  async run(node, { name, command, labels = {}, memoryLimitBytes }) {
    const uid = randomUUID();
    const pod = `${name}-0`;
    const podLabels = {
      'io.kubernetes.pod.name': pod,
      'io.kubernetes.pod.namespace': 'shop',
      'io.kubernetes.pod.uid': uid,
    };
    const logs = `/var/log/pods/shop_${pod}_${uid}`;
    // What the kubelet does with --cgroup-root=/<node>.
    const cgroup = `/${node.name}/kubepods/burstable/pod${uid}`;
    const sandbox = {
      metadata: { name: pod, uid, namespace: 'shop', attempt: 0 },
      hostname: pod,
      log_directory: logs,
      labels: podLabels,
      linux: { cgroup_parent: cgroup },
    };
    const kubelet = connect(node);
    try {
      const { pod_sandbox_id } = await kubelet.call('RunPodSandbox', { config: sandbox });
      const { container_id: id = '' } = await kubelet.call('CreateContainer', {
        pod_sandbox_id,
        sandbox_config: sandbox,
        config: {
          metadata: { name, attempt: 0 },
          image: { image: imageName },
          command,
          labels: { ...labels, ...podLabels, 'io.kubernetes.container.name': name },
          log_path: `${name}/0.log`,
          linux: { resources: { memory_limit_in_bytes: memoryLimitBytes ?? 0 } },
        },
      });
      await kubelet.call('StartContainer', { container_id: id });
      return {
        knownAs: `/k8s/shop/${pod}/${name}`,
        cgroup: `${cgroup}/${id}`,
        output: () => readFile(node.path(`${logs}/${name}/0.log`), 'utf8'),
      };
    } finally {
      kubelet.close();
    }
  },
};

interface Kubelet {
  call(method: string, request: object): Promise<Record<string, string>>;
  close(): void;
}

/** Talks to the container runtime interface through the socket of the node. */
function connect(node: Node): Kubelet {
  const definition = loadSync(join(import.meta.dirname, 'base/cri.proto'), { keepCase: true });
  const { runtime } = loadPackageDefinition(definition) as unknown as Record<
    'runtime',
    { v1: { RuntimeService: new (address: string, rights: object) => Client } }
  >;
  const client = new runtime.v1.RuntimeService(`unix://${node.path(socket)}`, credentials.createInsecure());
  type Unary = (request: object, done: requestCallback<Record<string, string>>) => void;
  return {
    call: (method, request) =>
      new Promise((resolve, reject) => {
        const unary = (client as unknown as Record<string, Unary>)[method]!;
        unary.call(client, request, (error, answer) => (error ? reject(error) : resolve(answer ?? {})));
      }),
    close: () => client.close(),
  };
}
