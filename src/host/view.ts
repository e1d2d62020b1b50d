import { accessSync, constants, readlinkSync, statSync } from 'node:fs';
import { AgentError, codeOf, messageOf, unsupported } from '../errors.ts';
import type { Features } from '../features.ts';
import { capabilitiesOf, hasCapability } from './capabilities.ts';
import type { HostPaths } from './paths.ts';

/** How the host is seen: through pid 1 where that is allowed, through our own eyes otherwise, each part by itself. */
export interface HostView {
  readonly paths: HostPaths;
  /** Namespace files to enter; null: our own. */
  readonly netNamespace: string | null;
  readonly utsNamespace: string | null;
  /** Our own network namespace is that of pid 1: nothing has to be entered. */
  readonly sharesNetwork?: boolean;
  /** Inode of the host's network namespace as far as we can tell; 0 when unknown. */
  readonly netNamespaceInode: number;
}

/** PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h: the inode of the first pid namespace. */
export const hostPidNamespace = 0xeffffffc;

/** Looks once. The feature `host_view` works in either case; a reason says that a part is our own. */
export function hostView(settings: {
  cgroupfsRoot: string;
  features: Features;
  proc: string;
  sys: string;
}): HostView {
  const { cgroupfsRoot, features, proc, sys } = settings;
  const own: { part: string; error: unknown }[] = [];
  const throughInit = (part: string, allowed: (path: string) => void): string | null => {
    const path = `${proc}/1/${part}`;
    try {
      allowed(path);
      return path;
    } catch (error) {
      own.push({ part, error });
      return null;
    }
  };
  const root = throughInit('root', (path) => accessSync(`${path}/`, constants.R_OK | constants.X_OK));
  const ownNamespace = (kind: string): number => inode(`${proc}/self/ns/${kind}`);
  /** Answers the file to enter, null where there is none or no need. */
  const namespace = (kind: string): string | null => {
    const path = throughInit(`ns/${kind}`, (file) => {
      if (statSync(file).ino !== ownNamespace(kind) && !mayEnter(proc))
        throw new AgentError('EPERM', 'may not be entered');
    });
    return path !== null && inode(path) === ownNamespace(kind) ? null : path;
  };
  const netNamespace = namespace('net');
  const utsNamespace = namespace('uts');
  const hostNetwork = inode(`${proc}/1/ns/net`);
  if (areInit(proc)) own.push({ part: 'ns/pid', error: unsupported('pid 1 is this agent') });
  const [first] = own;
  if (first === undefined) features.set('host_view', true);
  else {
    const parts = own.map(({ part, error }) => `${part} (${messageOf(error)})`).join(', ');
    const error = new AgentError(codeOf(first.error), `not visible through pid 1: ${parts}`);
    features.lessen('host_view', error, 'own_view');
  }
  return {
    paths: { proc, sys, root: root ?? '', cgroup: cgroupfsRoot },
    netNamespace,
    utsNamespace,
    sharesNetwork: hostNetwork !== 0 && hostNetwork === ownNamespace('net'),
    netNamespaceInode: hostNetwork || ownNamespace('net'),
  };
}

/** So it is in a container with processes of its own, where pid 1 tells nothing of the host. */
function areInit(proc: string): boolean {
  try {
    return readlinkSync(`${proc}/self`) === '1';
  } catch {
    return false;
  }
}

/** setns(2) into a network or UTS namespace wants it; where procfs does not say, the attempt will. */
function mayEnter(proc: string): boolean {
  return hasCapability(capabilitiesOf(proc), 'CAP_SYS_ADMIN') !== false;
}

/** 0 where it cannot be seen. */
function inode(path: string): number {
  try {
    return statSync(path).ino;
  } catch {
    return 0;
  }
}
