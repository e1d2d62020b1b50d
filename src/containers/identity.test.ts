import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appIdOf } from './app-id.ts';
import { identify } from './identity.ts';

const id64 = 'a1b2c3d4e5f6'.padEnd(64, '0');
const short = 'a1b2c3d4e5f6';
const uid = '11111111-2222-3333-4444-555555555555';
const pod = uid.replaceAll('-', '_');

const hex64 = '0123456789ab'.padEnd(64, 'c');
const hexShort = '0123456789ab';
const task = '0123456789abcdef0123456789abcdef';
const user = '/user.slice/user-1000.slice/user@1000.service';

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
  ['/system.slice/docker-registry.service', '/system.slice/docker-registry.service'],
  [`/system.slice/docker-registry.service/${id64}`, '/system.slice/docker-registry.service'],
  ['/system.slice/docker-x.scope', null],
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
  [`/ecs/${uid}/${'z'.repeat(64)}`, null],
  [`/ecs/${uid}/${hex64}`, `/ecs/${uid}/${hexShort}`],
  [`/ecs/${task}/${hex64}/inside`, `/ecs/${task}/${hexShort}`],
  [`/ecstasks.slice/ecstasks-${task}.slice/docker-${hex64}.scope`, `/ecs/${task}/${hexShort}`],
  [`/ecstasks.slice/ecstasks-${task}.slice`, null],
  // kubelets with a cgroup root of their own, as kind has.
  [`/kubelet/kubepods/burstable/pod${uid}/${id64}`, `/k8s/_/${uid}/${short}`],
  [
    `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${pod}.slice/cri-containerd-${id64}.scope`,
    `/k8s/_/${uid}/${short}`,
  ],
  [
    `/system.slice/k3s-agent.service/kubepods-besteffort-pod${pod}.slice:cri-containerd:${id64}`,
    `/k8s/_/${uid}/${short}`,
  ],
  // What merely calls itself so, inside a container, a service or a session.
  [`/docker/${id64}/kubelet/kubepods/burstable/pod${uid}/${hex64}`, `/docker/${short}`],
  [`/system.slice/docker-${id64}.scope/kubepods.slice/cri-containerd-${hex64}.scope`, `/docker/${short}`],
  [`/machine.slice/libpod-${hex64}.scope/kubepods/burstable/pod${uid}/${id64}`, `/podman/${hexShort}`],
  [`/system.slice/web.service/kubepods/burstable/pod${uid}/${id64}`, '/system.slice/web.service'],
  [`/system.slice/web.service/kubepods-pod${pod}.slice:cri-containerd:${id64}`, '/system.slice/web.service'],
  [`/system.slice/run-1.scope/kubepods/burstable/pod${uid}/${id64}`, '/system.slice/run-1.scope'],
  [`/user.slice/user-1000.slice/user@1000.service/kubepods/burstable/pod${uid}/${id64}`, null],
  [`/ecs/${task}/${hex64}/kubepods/burstable/pod${uid}/${id64}`, `/ecs/${task}/${hexShort}`],
  [`/foo/mykubepods/pod${uid}/${id64}`, null],
  [`/system.slice/kubepods-exporter.service`, '/system.slice/kubepods-exporter.service'],
  [`/kubepods/burstable/pod${uid}/${id64}/kubepods/pod${uid}/${hex64}`, `/k8s/_/${uid}/${short}`],
  // Containers of users.
  [`${user}/user.slice/libpod-${hex64}.scope/container`, `/user/1000/podman/${hexShort}`],
  [`${user}/user.slice/docker-${hex64}.scope`, `/user/1000/docker/${hexShort}`],
  [
    `${user}/user.slice/user-libpod_pod_${hex64}.slice/libpod-${hex64}.scope`,
    `/user/1000/podman/${hexShort}`,
  ],
  [`${user}/user.slice/libpod-conmon-${hex64}.scope`, null],
  [`${user}/user.slice/docker-${'z'.repeat(64)}.scope`, null],
  [`/user.slice/user-x.slice/docker-${hex64}.scope`, null],
  [`/user.slice/docker-${hex64}.scope`, null],
  [
    `${user}/docker-${hex64}.scope/user.slice/user-0.slice/libpod-${id64}.scope`,
    `/user/1000/docker/${hexShort}`,
  ],
  ['', null],
  ['no-slash', null],
];

test('cgroup paths map to container ids', () => {
  for (const [path, expected] of table) {
    const identity = identify(path, { skipSystemServices: true, trackScopes: false });
    assert.equal('id' in identity ? identity.id : null, expected, path);
  }
});

test('system services show when they are not skipped', () => {
  const identity = identify('/system.slice/systemd-journald.service', {
    skipSystemServices: false,
    trackScopes: false,
  });
  assert.ok('id' in identity && identity.id === '/system.slice/systemd-journald.service');
});

test('scopes of the system are containers when asked for, those of runtimes and users are not', () => {
  const scopes: readonly [string, string | null][] = [
    ['/system.slice/run-r0123.scope', '/scope/run-r0123'],
    ['/system.slice/run-r0123.scope/inside', '/scope/run-r0123'],
    ['/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator', '/scope/machine-qemu-1-vm'],
    ['/system.slice/system-backup.slice/backup-1.scope', '/scope/backup-1'],
    ['/system.slice/web.service/mine.scope', null],
    [`/system.slice/cri-containerd-${id64}.scope`, null],
    [`/machine.slice/libpod-${hex64}.scope`, `/podman/${hexShort}`],
    [`/machine.slice/libpod-conmon-${hex64}.scope`, null],
    ['/machine.slice', null],
    ['/user.slice/user-1000.slice/session-2.scope', null],
    ['/init.scope', null],
    [`/system.slice/${'x'.repeat(300)}.scope`, null],
    ['/system.slice/a"b.scope', null],
  ];
  for (const [path, expected] of scopes) {
    const identity = identify(path, { skipSystemServices: true, trackScopes: true });
    assert.equal('id' in identity ? identity.id : null, expected, path);
  }
});

test('a service is asked for by the name of its unit and its own cgroup, whatever lies inside', () => {
  const units: readonly [path: string, name: string | undefined, own: string | undefined][] = [
    ['/system.slice/my\\x2dapp.service/a/b', 'my\\x2dapp.service', '/system.slice/my\\x2dapp.service'],
    ['/system.slice/a.slice/b@c.service', 'b@c.service', '/system.slice/a.slice/b@c.service'],
    ['/system.slice/_cpu.service', 'cpu.service', '/system.slice/_cpu.service'],
    ['/system.slice/a.service/b.service', 'a.service', '/system.slice/a.service'],
    ['/system.slice/a.slice', undefined, undefined],
    ['/system.slice/data.mount', undefined, undefined],
  ];
  for (const [path, name, own] of units) {
    const identity = identify(path, { skipSystemServices: true, trackScopes: false });
    assert.ok('id' in identity, path);
    assert.deepEqual([identity.unit?.name, identity.unit?.path], [name, own], path);
  }
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
