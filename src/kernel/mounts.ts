import { readFileSync } from 'node:fs';
import type { HostPaths } from '../host/paths.ts';
import { parseMountinfo, type Mount } from './mountinfo.ts';

/** The mounts this process can use; none when procfs does not say. */
export function hostMounts(paths: HostPaths): readonly Mount[] {
  try {
    return parseMountinfo(readFileSync(`${paths.proc}/self/mountinfo`, 'utf8'));
  } catch {
    return [];
  }
}
