import { accessSync, constants, statSync } from 'node:fs';
import type { Features } from '../features.ts';
import { messageOf } from '../errors.ts';
import type { HostPaths } from './paths.ts';

/** How the host is seen: through pid 1 where that is allowed, through our own eyes otherwise, each part by itself. */
export interface HostView {
  readonly paths: HostPaths;
  /** Namespace files to enter; null: our own. */
  readonly netNamespace: string | null;
  readonly utsNamespace: string | null;
  /** Inode of the host's network namespace as far as we can tell; 0 when unknown. */
  readonly netNamespaceInode: number;
}

/** Looks once. The feature `host_view` works in either case; its reason `own_view` says that a part is our own. */
export function hostView(settings: {
  cgroupfsRoot: string;
  features: Features;
  proc: string;
  sys: string;
}): HostView {
  const { cgroupfsRoot, features, proc, sys } = settings;
  const own: string[] = [];
  const throughInit = (part: string, allowed: (path: string) => void): string | null => {
    const path = `${proc}/1/${part}`;
    try {
      allowed(path);
      return path;
    } catch (error) {
      own.push(`${part} (${messageOf(error)})`);
      return null;
    }
  };
  const root = throughInit('root', (path) => accessSync(`${path}/`, constants.R_OK | constants.X_OK));
  const netNamespace = throughInit('ns/net', statSync);
  const utsNamespace = throughInit('ns/uts', statSync);
  if (own.length === 0) features.set('host_view', true);
  else features.set('host_view', true, 'own_view', `not visible through pid 1: ${own.join(', ')}`);
  return {
    paths: { proc, sys, root: root ?? '', cgroup: cgroupfsRoot },
    netNamespace,
    utsNamespace,
    netNamespaceInode: inode(netNamespace ?? `${proc}/self/ns/net`),
  };
}

function inode(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
}
