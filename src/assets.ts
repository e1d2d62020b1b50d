import { basename, join } from 'node:path';

/**
 * Path of a built file that goes with the agent, such as `addon.node` or `cgroup.bpf.o`: beside the bundle when that is what
 * runs, in `dist/` of the source tree otherwise.
 */
export function assetPath(name: string): string {
  const here = import.meta.dirname;
  return basename(here) === 'dist' ? join(here, name) : join(here, '../dist', name);
}
