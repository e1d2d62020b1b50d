import type { Unnamed } from './asker.ts';
import { belowKubelet, ecsContainer, userContainer } from './places.ts';
import type { RuntimeName } from './runtimes/inspection.ts';

export interface IdentityRules {
  readonly skipSystemServices: boolean;
  /** Scopes of the system that no runtime made are containers, too. */
  readonly trackScopes: boolean;
}

/** Container identity from a cgroup path alone, on the hierarchy that counts. Pure. */
export type Identity =
  | {
      /** Where only the runtime knows the name, its short id stands in the name's place. */
      readonly id: string;
      readonly unnamed?: Unnamed;
      /** The service of systemd that it is, or is part of. */
      readonly unit?: Unit;
    }
  /** The path belongs to no container; `ignored` says why, for the debug log. That of a pod itself may be a sandbox of gVisor. */
  | { readonly ignored: string; readonly mayBeSandbox?: boolean };

export interface Unit {
  /** As systemd knows it, `my\\x2dapp.service`. */
  readonly name: string;
  /** Its own cgroup. */
  readonly path: string;
}

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
/** Of Docker with systemd; a service may be called `docker-registry.service`. */
const dockerScope = /^docker-[0-9a-z]{64}\.scope$/;
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
export function identify(path: string, rules: IdentityRules): Identity {
  if (path === '/init') return { id: '/talos/init' };
  const parts = path.split('/').slice(1);
  const first = parts[0] ?? '';
  const second = parts[1] ?? '';
  if (first === 'user.slice') return identifyUser(path);
  if (first === '' || first === 'init.scope' || first === 'systemd') return { ignored: 'session' };
  if (first === 'docker' || (first === 'system.slice' && dockerScope.test(second))) {
    const id = runtimeId.exec(path)?.[0];
    return id === undefined ? { ignored: 'no_runtime_id' } : byRuntime(['docker'], id, '/docker');
  }
  if (first === 'machine.slice' || first === 'libpod_parent') return identifyMachine(path, parts, rules);
  // Whatever runs inside is part of the container, Kubernetes too.
  const lxc = lxcName(first, second);
  if (lxc !== undefined) return { id: `/lxc/${lxc}` };
  const ecs = ecsContainer(path);
  if (ecs !== undefined)
    return byRuntime(['docker'], ecs.runtimeId, `/ecs/${ecs.task}`, { kind: 'ecs', task: ecs.task });
  const pod = belowKubelet(parts);
  if (pod !== undefined) return identifyPod(pod);
  if (first === 'system' || first === 'podruntime') {
    return second === '' ? { ignored: 'slice' } : { id: `/talos/${second}` };
  }
  if (systemdSlices.has(first)) return identifyUnit(parts, rules);
  const [, allocation, task] = nomadScope.exec(path) ?? [];
  if (task !== undefined) return { id: `/nomad/${allocation}/${task}` };
  return { ignored: 'unknown' };
}

/** Under the short id below `prefix` until the runtime tells the name. */
function byRuntime(
  runtimes: readonly RuntimeName[],
  id: string,
  prefix: string,
  place: Unnamed['place'] = { kind: 'machine' },
): Identity {
  return { id: `${prefix}/${id.slice(0, 12)}`, unnamed: { runtimes, runtimeId: id, place } };
}

function identifyPod(path: string): Identity {
  if (path.includes('crio-conmon-')) return { ignored: 'conmon' };
  const id = runtimeId.exec(path)?.[0];
  if (id === undefined) return { ignored: 'sandbox', mayBeSandbox: podUid.test(path) };
  const uid = podUid.exec(path)?.[1]?.replaceAll('_', '-') ?? '_';
  const runtimes: readonly RuntimeName[] = path.includes(`crio-${id}`)
    ? ['crio']
    : /cri-containerd[-:]/.test(path)
      ? ['containerd']
      : ['docker', 'containerd'];
  return byRuntime(runtimes, id, `/k8s/_/${uid}`, { kind: 'pod' });
}

/** A sandbox of gVisor, found by its process in the cgroup of the pod. */
export function sandboxOf(path: string, id: string): { readonly id: string; readonly unnamed: Unnamed } {
  const uid = podUid.exec(path)?.[1]?.replaceAll('_', '-') ?? '_';
  const unnamed: Unnamed = { runtimes: ['containerd', 'crio'], runtimeId: id, place: { kind: 'sandbox' } };
  return { id: `/k8s/_/${uid}/sandbox`, unnamed };
}

function identifyUser(path: string): Identity {
  const found = userContainer(path);
  if (found === undefined) return { ignored: 'session' };
  const { uid, runtime, runtimeId } = found;
  return byRuntime([runtime], runtimeId, `/user/${uid}/${runtime}`, { kind: 'user', uid });
}

/** Containers of root's podman: those of others are below user.slice. */
function identifyMachine(path: string, parts: readonly string[], rules: IdentityRules): Identity {
  const id = /libpod-([0-9a-f]{64})/.exec(path)?.[1];
  if (path.includes('libpod-conmon-')) return { ignored: 'machine' };
  return id === undefined ? identifyScope(parts, rules) : byRuntime(['podman'], id, '/podman');
}

/** Scopes that runtimes make, of which none got here as a container. */
const runtimeScopes = /^(?:docker|libpod|crio|cri-containerd|buildkit|nerdctl)-/;

/** A scope of the system, and what is inside: `/scope/NAME`. */
function identifyScope(parts: readonly string[], { trackScopes }: IdentityRules): Identity {
  const scope = parts.find((part) => !part.endsWith('.slice')) ?? '';
  const name = /^([\w.@:\\-]{1,253})\.scope$/.exec(scope)?.[1]?.replaceAll('\\x2d', '-');
  return trackScopes && name !== undefined && !runtimeScopes.test(name)
    ? { id: `/scope/${name}` }
    : { ignored: 'scope' };
}

function identifyUnit(parts: readonly string[], rules: IdentityRules): Identity {
  const [slice = '', escaped = ''] = parts;
  const last = parts.at(-1) ?? '';
  if (escaped === '') return { ignored: 'slice' };
  const isInScope = parts.find((part) => !part.endsWith('.slice'))?.endsWith('.scope');
  if (last.endsWith('.scope') || (rules.trackScopes && isInScope === true))
    return identifyScope(parts, rules);
  const name = escaped.replaceAll('\\x2d', '-');
  if (slice === 'system.slice' && name.startsWith('crio-conmon-')) return { ignored: 'conmon' };
  const depth = parts.findIndex((part) => part.endsWith('.service'));
  const unit = parts[depth] ?? last;
  const unescaped = unit.replaceAll('\\x2d', '-');
  if (rules.skipSystemServices && systemUnitPrefixes.some((prefix) => unescaped.startsWith(prefix))) {
    return { ignored: 'system_service' };
  }
  const id = `/${slice}/${name}`;
  if (depth < 0) return { id };
  // systemd puts a `_` before what could be taken for a file of the kernel (systemd: src/basic/cgroup-util.c, cg_escape).
  return { id, unit: { name: unit.replace(/^_/, ''), path: `/${parts.slice(0, depth + 1).join('/')}` } };
}
