import type { HostPaths } from '../host/paths.ts';
import { v1MountPoint, type Hierarchy } from './hierarchy.ts';

/** Where the cgroup controllers are: each is on v1, on v2 or on neither. */
export interface Controllers {
  /** Mount points of v1 hierarchies. */
  readonly v1: {
    readonly cpu?: string;
    readonly cpuacct?: string;
    readonly memory?: string;
    readonly blkio?: string;
  };
  /** Mount point of the v2 tree. */
  readonly v2: string | undefined;
}

/** Looks once. `hierarchy` is the one that counts, `cgroup2Root` is from `findCgroup2Root`. */
export function findControllers(
  paths: HostPaths,
  hierarchy: Hierarchy,
  cgroup2Root: string | undefined,
): Controllers {
  const names = ['cpu', 'cpuacct', 'memory', 'blkio'] as const;
  const mounted = names.map((name) => [name, v1MountPoint(paths, name)] as const);
  return {
    v1: Object.fromEntries(mounted.filter(([, mountPoint]) => mountPoint !== undefined)),
    v2: hierarchy.version === 2 ? hierarchy.mountPoint : cgroup2Root,
  };
}
