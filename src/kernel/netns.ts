import { statSync } from 'node:fs';
import type { HostPaths } from '../host/paths.ts';

/**
 * Inode of the host's network namespace: that of pid 1, or our own where pid 1 may not be asked (then we are taken
 * to run on the host's network). 0 when neither can be read.
 */
export function hostNetnsInode(paths: HostPaths): number {
  for (const pid of ['1', 'self']) {
    try {
      return statSync(`${paths.proc}/${pid}/ns/net`).ino;
    } catch {
      continue;
    }
  }
  return 0;
}
