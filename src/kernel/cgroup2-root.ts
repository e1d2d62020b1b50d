import { statfsSync, statSync } from 'node:fs';
import type { HostPaths } from '../host/paths.ts';
import { hostMounts } from './mounts.ts';

const cgroup2Magic = 0x63677270; // CGROUP2_SUPER_MAGIC of linux/magic.h
const rootInode = 1;

/**
 * Where the root of the machine's cgroup v2 tree is mounted, or undefined when it cannot be seen. A program attached
 * below it would miss the rest of the machine, which is what the mount shows inside a cgroup namespace.
 */
export function findCgroup2Root(
  paths: HostPaths,
  isRoot: (path: string) => boolean = isCgroup2Root,
): string | undefined {
  const mounted = hostMounts(paths)
    .filter(({ type }) => type === 'cgroup2')
    .map(({ mountPoint }) => mountPoint);
  const ofHost = `${paths.proc}/1/root/sys/fs/cgroup`;
  const candidates = [paths.cgroup, `${paths.cgroup}/unified`, ...mounted, ofHost, `${ofHost}/unified`];
  return candidates.find(isRoot);
}

function isCgroup2Root(path: string): boolean {
  try {
    return statfsSync(path).type === cgroup2Magic && statSync(path).ino === rootInode;
  } catch {
    return false;
  }
}
