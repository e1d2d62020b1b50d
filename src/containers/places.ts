/** Where a container runs, as far as its name depends on it. */
export type Place =
  | { readonly kind: 'machine' }
  /** Where the kubelet puts its containers: labels of Kubernetes elsewhere may be anybody's. */
  | { readonly kind: 'pod' }
  /** A pod in a sandbox of gVisor. */
  | { readonly kind: 'sandbox' }
  /** A task of Amazon ECS. */
  | { readonly kind: 'ecs'; readonly task: string }
  /** Below the slice of an ordinary user, whose own runtime it is. */
  | { readonly kind: 'user'; readonly uid: number };

/** A run of 64: ids of all runtimes. */
const id64 = /[0-9a-z]{64}/;

/** Services that start containers of pods below their own cgroup, when they and the kubelet disagree on who manages cgroups. */
const podServices =
  /^(?:containerd|crio|cri-docker|docker|kubelet|k3s|k0s|rke2|microk8s|snap\.microk8s)[\w.@-]*\.service$/;
/** The kubelet's own cgroup: `kubepods`, `kubepods.slice`, with --cgroup-root=/kubelet `kubelet-kubepods.slice`. */
const podsRoot = /^(?:kubepods|(?:[\w]+-)*kubepods\.slice)$/;
/** What runc makes of systemd's name of a pod where it does not talk to systemd: `SLICE:PREFIX:ID`. */
const podByColons = /^(?:[\w]+-)*kubepods[\w-]*\.slice:[\w-]+:[0-9a-z]{64}$/;

/**
 * What lies below the cgroup of the kubelet, undefined for what does not: only slices and plain directories may be above it, which root
 * alone can make. Whatever lies inside a service or a container may call itself as it likes.
 */
export function belowKubelet(parts: readonly string[]): string | undefined {
  for (const [depth, part] of parts.entries()) {
    if (podsRoot.test(part) || podByColons.test(part)) return parts.slice(depth).join('/');
    const isPlain = !/\.(?:service|scope)$/.test(part) && !id64.test(part);
    if (!isPlain && !podServices.test(part)) return undefined;
  }
  return undefined;
}

/** `/ecs/TASK/ID`, or `ecstasks.slice/ecstasks-TASK.slice/docker-ID.scope` (amazon-ecs-agent: agent/taskresource/cgroup). */
const ecsTask =
  /^\/(?:ecs\/([0-9a-f-]{32,36})\/([0-9a-f]{64})|ecstasks\.slice\/ecstasks-([0-9a-f-]{32,36})\.slice\/docker-([0-9a-f]{64})\.scope)(?:\/|$)/;

export function ecsContainer(
  path: string,
): { readonly task: string; readonly runtimeId: string } | undefined {
  const [, task, id, taskOfSlice, idOfScope] = ecsTask.exec(path) ?? [];
  const found = { task: task ?? taskOfSlice ?? '', runtimeId: id ?? idOfScope ?? '' };
  return found.runtimeId === '' ? undefined : found;
}

/** What rootless podman and docker make below the slice of a user: its number is root's word, all below is the user's. */
const userScope =
  /^\/user\.slice\/user-(\d{1,10})\.slice\/(?:[^/]+\/)*?(libpod|docker)-([0-9a-f]{64})\.scope(?:\/|$)/;

export interface UserContainer {
  readonly uid: number;
  readonly runtime: 'podman' | 'docker';
  readonly runtimeId: string;
}

export function userContainer(path: string): UserContainer | undefined {
  const [, uid, prefix, runtimeId] = userScope.exec(path) ?? [];
  if (uid === undefined || runtimeId === undefined) return undefined;
  return { uid: Number(uid), runtime: prefix === 'libpod' ? 'podman' : 'docker', runtimeId };
}
