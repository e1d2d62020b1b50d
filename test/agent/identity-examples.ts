/** Who is who: cgroup paths, what runtimes say of them, and the ids that follow. */

export type Labels = Readonly<Record<string, string>>;

/** What a runtime says of a container; a Buffer is its answer as it is. */
export type Said =
  { name?: string; labels?: Labels; environment?: readonly string[]; image?: string } | Buffer;
export type RuntimeName = 'docker' | 'containerd' | 'crio' | 'user';

export interface Example {
  /** `<64>` is the id of the container, of which `by` knows. */
  readonly path: string;
  readonly by?: RuntimeName;
  readonly says?: Said;
  /** Null: it is no container. */
  readonly id: string | null;
  /** What its process says its cgroup is, where that is something else. */
  readonly own?: string;
}

export const uid = '11111111-2222-3333-4444-555555555555';
const pod = uid.replaceAll('-', '_');
const podSlices = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${pod}.slice`;
const minutes = (daysAgo: number): number =>
  Math.floor((Date.UTC(2026, 0, 2, 3, 4, 5) - daysAgo * 86_400_000) / 60_000);
export const ofPod = (name: string, container: string, namespace = 'shop'): Said => ({
  labels: {
    'io.kubernetes.pod.namespace': namespace,
    'io.kubernetes.pod.name': name,
    'io.kubernetes.container.name': container,
  },
});
const nomad = ['NAMESPACE=default', 'JOB_NAME=api', 'GROUP_NAME=web', 'ALLOC_ID=a1-b2', 'TASK_NAME=server'];
const task = '0123456789abcdef0123456789abcdef';
export const user = '/user.slice/user-1000.slice/user@1000.service/user.slice';

export const examples: readonly Example[] = [
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
