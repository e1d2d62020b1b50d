import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appIdOf } from './app-id.ts';
import { identify } from './identity.ts';

const id64 = 'a1b2c3d4e5f6'.padEnd(64, '0');
const short = 'a1b2c3d4e5f6';
const uid = '11111111-2222-3333-4444-555555555555';
const pod = uid.replaceAll('-', '_');

const table: readonly [path: string, id: string | null][] = [
  ['/', null],
  ['/init', '/talos/init'],
  ['/init.scope', null],
  ['/user.slice/user-1000.slice/session-2.scope', null],
  ['/systemd/x', null],
  ['/system.slice', null],
  ['/system.slice/ssh.service', '/system.slice/ssh.service'],
  ['/system.slice/ssh.service/nested/deep', '/system.slice/ssh.service'],
  [
    '/system.slice/system-postgresql.slice/postgresql@9.4-main.service',
    '/system.slice/system-postgresql.slice',
  ],
  ['/system.slice/system-serial\\x2dgetty.slice', null],
  ['/system.slice/my\\x2dapp.service', '/system.slice/my-app.service'],
  ['/system.slice/systemd-journald.service', null],
  ['/runtime.slice/kubelet.service', '/runtime.slice/kubelet.service'],
  ['/azure.slice/walinuxagent.service', '/azure.slice/walinuxagent.service'],
  [`/docker/${id64}`, `/docker/${short}`],
  [`/docker/${id64}/init.scope`, `/docker/${short}`],
  ['/docker/buildkit', null],
  [`/system.slice/docker-${id64}.scope`, `/docker/${short}`],
  [`/kubepods/burstable/pod${uid}/${id64}`, `/k8s/_/${uid}/${short}`],
  [`/kubepods/besteffort/pod${uid}/${id64}/kube-proxy`, `/k8s/_/${uid}/${short}`],
  [`/kubepods/burstable/pod${uid}`, null],
  [
    `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${pod}.slice/docker-${id64}.scope`,
    `/k8s/_/${uid}/${short}`,
  ],
  [`/kubepods.slice/kubepods-pod${pod}.slice/cri-containerd-${id64}.scope`, `/k8s/_/${uid}/${short}`],
  [
    `/system.slice/containerd.service/kubepods-burstable-pod${pod}.slice:cri-containerd:${id64}`,
    `/k8s/_/${uid}/${short}`,
  ],
  [`/kubepods.slice/kubepods-pod${pod}.slice/crio-${id64}.scope/container`, `/k8s/_/${uid}/${short}`],
  [`/kubepods.slice/kubepods-pod${pod}.slice/crio-conmon-${id64}.scope`, null],
  [`/kubepods/kubepods-pod${uid.replaceAll('-', '')}/${id64}`, `/k8s/_/${uid.replaceAll('-', '')}/${short}`],
  ['/podruntime/kubelet', '/talos/kubelet'],
  ['/system/dashboard', '/talos/dashboard'],
  ['/system', null],
  ['/lxc/db', '/lxc/db'],
  ['/lxc', null],
  ['/lxc.payload.first/system.slice/x.service', '/lxc/first'],
  ['/lxc.payload/second/init.scope', '/lxc/second'],
  [`/lxc.payload.node1/kubepods/burstable/pod${uid}/${id64}`, '/lxc/node1'],
  ['/lxc.payload.a b', null],
  ['/lxc.monitor.first', null],
  [`/nomad.slice/share.slice/${uid}.web.scope`, `/nomad/${uid}/web`],
  [`/nomad.slice/reserve.slice/${uid}.web.scope/inside`, `/nomad/${uid}/web`],
  ['/nomad.slice/share.slice', null],
  [`/system.slice/cri-containerd-${id64}.scope`, null],
  ['/system.slice/run-r0123.scope', null],
  ['/system.slice/crio-conmon-x.service', null],
  ['/machine.slice/libpod-x.scope', null],
  [`/machine.slice/libpod-${'0123456789ab'.padEnd(64, '0')}.scope/container`, '/podman/0123456789ab'],
  [`/machine.slice/libpod-conmon-${'0123456789ab'.padEnd(64, '0')}.scope`, null],
  ['/ecs/task/container', null],
  ['', null],
  ['no-slash', null],
];

test('cgroup paths map to container ids', () => {
  for (const [path, expected] of table) {
    const identity = identify(path, { skipSystemServices: true });
    assert.equal('id' in identity ? identity.id : null, expected, path);
  }
});

test('system services show when they are not skipped', () => {
  const identity = identify('/system.slice/systemd-journald.service', { skipSystemServices: false });
  assert.deepEqual(identity, { id: '/system.slice/systemd-journald.service' });
});

test('app_id names the workload of a pod', () => {
  const ids: readonly [string, string][] = [
    ['/k8s/coroot/pyroscope-df884bb79-hhxtv/pyroscope', '/k8s/coroot/pyroscope'],
    ['/k8s/coroot/coroot-node-agent-np9pk/node-agent', '/k8s/coroot/coroot-node-agent'],
    ['/k8s/default/cassandra-main-12/cassandra', '/k8s/default/cassandra-main'],
    ['/k8s/_/11111111-2222-3333-4444-555555555555/a1b2c3d4e5f6', ''],
    ['/k8s/default/plain/c', ''],
    ['/system.slice/k3s.service', ''],
    ['/docker/x', ''],
    ['/k8s-cronjob/default/hello/xz', ''],
  ];
  for (const [id, expected] of ids) assert.equal(appIdOf(id), expected, id);
});
