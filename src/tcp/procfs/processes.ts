import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { capabilitiesOf, hasCapability } from '../../host/capabilities.ts';
import { cgroupNamespaceRoot } from '../../kernel/cgroup-namespace.ts';
import type { Hierarchy } from '../../kernel/hierarchy.ts';

/** Processes, and descriptors in all, that one walk looks at. */
const maxProcesses = 65_536;
export const maxDescriptors = 1 << 20;

/** Process ids of a procfs, in order. */
export function processIds(proc: string): number[] {
  const pids = readdirSync(proc).filter((name) => /^\d+$/.test(name));
  return pids
    .map(Number)
    .sort((a, b) => a - b)
    .slice(0, maxProcesses);
}

/**
 * Those of `pids` whose descriptors and namespaces we may hope to see: without CAP_SYS_PTRACE those of our own user
 * (ptrace(2), "Ptrace access mode checking"). Being refused by each of the others takes far longer than to ask whose they are.
 */
export function visibleProcesses(proc: string, pids: readonly number[]): readonly number[] {
  const user = process.geteuid?.() ?? 0;
  if (user === 0 || hasCapability(capabilitiesOf(proc), 'CAP_SYS_PTRACE') !== false) return pids;
  return pids.filter((pid) => statSync(`${proc}/${pid}`, { throwIfNoEntry: false })?.uid === user);
}

/** Inode of the network namespace of a process; undefined when it is gone or may not be looked at. */
export function netNamespace(proc: string, pid: number | 'self'): number | undefined {
  return inodeOf(`${proc}/${pid}/ns/net`, 'net');
}

/** Inodes of the sockets that a process holds, of at most `limit` descriptors. */
export function* socketsOf(proc: string, pid: number, limit: number): Generator<number | undefined> {
  const folder = `${proc}/${pid}/fd`;
  for (const fd of orNone(() => readdirSync(folder)).slice(0, limit))
    yield inodeOf(`${folder}/${fd}`, 'socket');
}

/** Id of the cgroup of a process on the hierarchy that counts; 0 when it is gone. */
export function cgroupIds(proc: string, hierarchy: Hierarchy): (pid: number) => number {
  const ids = new Map<string, number>();
  const idOf = (path: string): number => {
    const known = ids.get(path);
    if (known !== undefined) return known;
    const whole = join('/', cgroupNamespaceRoot(hierarchy.mountPoint), path);
    const id = statSync(hierarchy.mountPoint + whole, { throwIfNoEntry: false })?.ino ?? 0;
    ids.set(path, id);
    return id;
  };
  return (pid) => {
    try {
      const path = cgroupPath(readFileSync(`${proc}/${pid}/cgroup`, 'utf8'), hierarchy.hierarchyId);
      return path === undefined ? 0 : idOf(path);
    } catch {
      return 0;
    }
  };
}

/** Path on one hierarchy by the text of /proc/<pid>/cgroup (cgroups(7)); 0 is v2. */
export function cgroupPath(text: string, hierarchyId: number): string | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${hierarchyId}:`));
  const path = line?.slice(line.indexOf(':', line.indexOf(':') + 1) + 1);
  return path?.startsWith('/') ? path : undefined;
}

/** The number in a link such as `socket:[123]`; undefined for other links. */
function inodeOf(path: string, kind: string): number | undefined {
  const target = orNone(() => [readlinkSync(path)])[0] ?? '';
  const number = target.startsWith(`${kind}:[`) ? Number(target.slice(kind.length + 2, -1)) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** Processes come and go, and some may not be looked at: both are as if they had nothing. */
function orNone<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch {
    return [];
  }
}
