import type { Unnamed } from './asker.ts';
import type { RuntimeName } from './runtimes/inspection.ts';

/** Container identity from a cgroup path alone, on the hierarchy that counts. Pure. */
export type Identity =
  | {
      /** Where only the runtime knows the name, its short id stands in the name's place. */
      readonly id: string;
      readonly unnamed?: Unnamed;
    }
  /** The path belongs to no container; `ignored` says why, for the debug log. */
  | { readonly ignored: string };

const systemdSlices = new Set([
  'system.slice',
  'runtime.slice',
  'reserved.slice',
  'kube.slice',
  'azure.slice',
  'podruntime.slice',
]);

/** Units that come with every distribution; hidden by --skip-systemd-system-services. */
const systemUnitPrefixes = [
  'systemd-',
  'dbus',
  'getty',
  'system-serial',
  'system-getty',
  'serial-getty',
  'snapd',
  'packagekit',
  'unattended-upgrades',
  'multipathd',
  'qemu-guest-agent',
  'irqbalance',
  'networkd-dispatcher',
  'rpcbind',
];

const runtimeId = /[0-9a-z]{64}/;
const podUid = /pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})/;

/** Tasks of Nomad's exec and java drivers (nomad: client/lib/cgroupslib). */
const nomadScope =
  /^\/nomad\.slice\/(?:share|reserve)\.slice\/([0-9a-f-]{36})\.([\w.-]{1,128})\.scope(?:\/|$)/;

/** LXC and Incus: `/lxc.payload.NAME`, `/lxc.payload/NAME` or `/lxc/NAME` (lxc.container.conf(5), lxc.cgroup.dir). */
function lxcName(first: string, second: string): string | undefined {
  const name = first === 'lxc' || first === 'lxc.payload' ? second : /^lxc\.payload\.(.+)$/.exec(first)?.[1];
  return name !== undefined && /^[\w.-]{1,253}$/.test(name) ? name : undefined;
}

/** Names the container that the cgroup at `path` (absolute, from the root of its hierarchy) belongs to. */
export function identify(path: string, rules: { skipSystemServices: boolean }): Identity {
  if (path === '/init') return { id: '/talos/init' };
  const parts = path.split('/').slice(1);
  const first = parts[0] ?? '';
  const second = parts[1] ?? '';
  if (first === '' || first === 'user.slice' || first === 'init.scope' || first === 'systemd') {
    return { ignored: 'session' };
  }
  if (first === 'docker' || (first === 'system.slice' && second.startsWith('docker-'))) {
    const id = runtimeId.exec(path)?.[0];
    if (id === undefined) return { ignored: 'no_runtime_id' };
    return {
      id: `/docker/${id.slice(0, 12)}`,
      unnamed: { runtimes: ['docker'], runtimeId: id, inPod: false },
    };
  }
  if (first === 'machine.slice' || first === 'libpod_parent') return identifyPodman(path);
  // Whatever runs inside is part of the container, Kubernetes too.
  const lxc = lxcName(first, second);
  if (lxc !== undefined) return { id: `/lxc/${lxc}` };
  if (path.includes('kubepods')) return identifyPod(path);
  if (first === 'system' || first === 'podruntime') {
    return second === '' ? { ignored: 'slice' } : { id: `/talos/${second}` };
  }
  if (systemdSlices.has(first)) return identifyUnit(parts, rules.skipSystemServices);
  const [, allocation, task] = nomadScope.exec(path) ?? [];
  if (task !== undefined) return { id: `/nomad/${allocation}/${task}` };
  return { ignored: 'unknown' };
}

function identifyPod(path: string): Identity {
  if (path.includes('crio-conmon-')) return { ignored: 'conmon' };
  const id = runtimeId.exec(path)?.[0];
  if (id === undefined) return { ignored: 'sandbox' };
  const uid = podUid.exec(path)?.[1]?.replaceAll('_', '-') ?? '_';
  const runtimes: readonly RuntimeName[] = path.includes(`crio-${id}`)
    ? ['crio']
    : /cri-containerd[-:]/.test(path)
      ? ['containerd']
      : ['docker', 'containerd'];
  return { id: `/k8s/_/${uid}/${id.slice(0, 12)}`, unnamed: { runtimes, runtimeId: id, inPod: true } };
}

/** Containers of root: those of others are below user.slice. */
function identifyPodman(path: string): Identity {
  const id = /libpod-([0-9a-f]{64})/.exec(path)?.[1];
  if (id === undefined || path.includes('libpod-conmon-')) return { ignored: 'machine' };
  return { id: `/podman/${id.slice(0, 12)}`, unnamed: { runtimes: ['podman'], runtimeId: id, inPod: false } };
}

function identifyUnit(parts: readonly string[], skipSystemServices: boolean): Identity {
  const [slice = '', escaped = ''] = parts;
  const last = parts.at(-1) ?? '';
  if (escaped === '') return { ignored: 'slice' };
  if (last.endsWith('.scope')) return { ignored: 'scope' };
  const name = escaped.replaceAll('\\x2d', '-');
  if (slice === 'system.slice' && name.startsWith('crio-conmon-')) return { ignored: 'conmon' };
  const unit = (parts.find((part) => part.endsWith('.service')) ?? last).replaceAll('\\x2d', '-');
  if (skipSystemServices && systemUnitPrefixes.some((prefix) => unit.startsWith(prefix))) {
    return { ignored: 'system_service' };
  }
  return { id: `/${slice}/${name}` };
}
