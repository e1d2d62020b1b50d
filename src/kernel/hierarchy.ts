import { readFileSync } from 'node:fs';
import type { HostPaths } from '../host/paths.ts';
import { hostMounts } from './mounts.ts';

/** The cgroup tree by which containers are told apart. */
export interface Hierarchy {
  readonly version: 1 | 2;
  /** As in /proc/cgroups and /proc/<pid>/cgroup; 0 is v2. */
  readonly hierarchyId: number;
  /** Where its root is mounted. */
  readonly mountPoint: string;
}

/**
 * The memory controller's v1 hierarchy where there is one, since on such hosts (v1 and hybrid) the v2 tree does not
 * separate containers; v2 otherwise, at `cgroup2Root` (from `findCgroup2Root`). A host that does not say is taken
 * for v2, at the cgroup root.
 */
export function findHierarchy(paths: HostPaths, cgroup2Root: string | undefined): Hierarchy {
  const hierarchyId = memoryHierarchyId(readCgroups(paths));
  if (hierarchyId === 0) return { version: 2, hierarchyId, mountPoint: cgroup2Root ?? paths.cgroup };

  return { version: 1, hierarchyId, mountPoint: v1MountPoint(paths, 'memory') ?? `${paths.cgroup}/memory` };
}

/** Where the v1 hierarchy of a controller is mounted as a whole; below the cgroup root rather than elsewhere. */
export function v1MountPoint(paths: HostPaths, controller: string): string | undefined {
  const mounted = hostMounts(paths)
    // A mount of a part of the tree would give paths that the kernel's events do not know.
    .filter(
      ({ type, root, superOptions }) =>
        type === 'cgroup' && root === '/' && superOptions.includes(controller),
    )
    .map(({ mountPoint }) => mountPoint);
  return mounted.find((mountPoint) => mountPoint.startsWith(`${paths.cgroup}/`)) ?? mounted[0];
}

/** Hierarchy of the memory controller by the text of /proc/cgroups (cgroups(7)); 0 when it is on v2 or absent. */
export function memoryHierarchyId(text: string): number {
  const id = Number(/^memory\t(\d+)\t/m.exec(text)?.[1] ?? 0);
  return Number.isSafeInteger(id) ? id : 0;
}

function readCgroups(paths: HostPaths): string {
  try {
    return readFileSync(`${paths.proc}/cgroups`, 'utf8');
  } catch {
    return '';
  }
}
