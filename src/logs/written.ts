import { opendirSync, readlinkSync } from 'node:fs';
import type { TextReader } from '../host/texts.ts';
import { statField } from '../host/process-stat.ts';
import type { ListedContainer } from '../model/containers.ts';
import { pidsOf } from '../model/processes.ts';
import { turns } from '../turns.ts';

/** A file below /var/log that a process of a container has open for writing alone. */
export interface WrittenFile {
  /** From the root directory of the process. */
  readonly path: string;
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat. */
  readonly startTicks: number;
  /** Where it has the file open, as the first column of mountinfo. */
  readonly mountId: number;
}

/** What runtimes, the kubelet and journald keep is read otherwise. */
const others = ['/var/log/pods/', '/var/log/containers/', '/var/log/journal/'];
/** Of one process, of one container, and of all in one go: who is left has its turn the next time. */
const [maxDescriptors, maxFiles, descriptorsAtOnce] = [1024, 64, 50_000];
const containersAtOnce = 64;
/** Longer ones are no labels. */
const maxPathLength = 512;
/** open(2): O_ACCMODE is 3, O_WRONLY 1. */
const [O_ACCMODE, O_WRONLY] = [3, 1];

/**
 * Looks through the descriptors of all processes of containers that ran since they were looked at, or that nobody has looked at if `onlyNew` (proc_pid_fd(5)). Who opens a file, writes and
 * closes it between two looks is not noticed.
 */
export function writtenFiles(deps: {
  containers: { all(): Iterable<ListedContainer> };
  /** Mount point of the hierarchy that counts. */
  mountPoint: string;
  proc: string;
  read: TextReader;
}): (onlyNew: boolean) => Promise<Map<ListedContainer, readonly WrittenFile[]>> {
  const { containers, mountPoint, proc, read } = deps;
  const lookedAt = new WeakMap<ListedContainer, number>();

  /** Of those below /var/log. */
  const descriptorsOf = (pid: string): { readonly path: string; readonly fdinfo: string }[] => {
    try {
      return namesIn(`${proc}/${pid}/fd`).flatMap((fd) => {
        const path = linkOf(`${proc}/${pid}/fd/${fd}`);
        return isLog(path) ? [{ path, fdinfo: `${proc}/${pid}/fdinfo/${fd}` }] : [];
      });
    } catch {
      return [];
    }
  };

  const filesOf = async (pids: readonly string[], turn: () => Promise<void> | undefined) => {
    const files = new Map<string, WrittenFile>();
    for (const pid of pids) {
      await turn();
      const open = descriptorsOf(pid).filter(({ path }) => !files.has(path));
      if (open.length === 0) continue;
      const [stat, ...infos] = await read([`${proc}/${pid}/stat`, ...open.map(({ fdinfo }) => fdinfo)]);
      const startTicks = Number(statField(stat, 22));
      for (const [i, { path }] of open.entries())
        if (startTicks > 0 && files.size < maxFiles && isWrittenOnly(infos[i]))
          files.set(path, { path, pid: Number(pid), startTicks, mountId: mountIdOf(infos[i]) });
    }
    return [...files.values()];
  };

  return async (onlyNew) => {
    const found = new Map<ListedContainer, readonly WrittenFile[]>();
    const stirred = [...containers.all()].filter(
      (container) =>
        container.topCgroups.length > 0 &&
        (onlyNew ? !lookedAt.has(container) : lookedAt.get(container) !== container.activity.runs),
    );
    stirred.sort((one, other) => Number(lookedAt.has(one)) - Number(lookedAt.has(other)));
    const turn = turns();
    let left = descriptorsAtOnce;
    for (let start = 0; start < stirred.length && left > 0; start += containersAtOnce) {
      const some = stirred.slice(start, start + containersAtOnce);
      const pids = await pidsOf(some, mountPoint, read);
      for (const [i, container] of some.entries()) {
        if (left <= 0) break;
        const { runs } = container.activity;
        // Most have some tens of descriptors.
        left -= pids[i]!.length * 32;
        found.set(container, await filesOf(pids[i]!, turn));
        lookedAt.set(container, runs);
      }
    }
    return found;
  };
}

/** Some have millions. */
function namesIn(path: string): string[] {
  const names: string[] = [];
  const folder = opendirSync(path);
  try {
    for (let one = folder.readSync(); one !== null && names.length < maxDescriptors; one = folder.readSync())
      names.push(one.name);
  } finally {
    folder.closeSync();
  }
  return names;
}

/** By the text of an fdinfo; 0 where it does not tell. */
export function mountIdOf(fdinfo: string | undefined): number {
  return Number(/^mnt_id:\t(\d{1,10})\n/m.exec(fdinfo ?? '')?.[1] ?? 0);
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

const isLog = (path: string): boolean =>
  path.startsWith('/var/log/') &&
  path.length <= maxPathLength &&
  !path.endsWith(' (deleted)') &&
  !others.some((folder) => path.startsWith(folder));

/** By /proc/<pid>/fdinfo/<fd> (proc_pid_fdinfo(5)). */
export function isWrittenOnly(fdinfo: string | undefined): boolean {
  const flags = /^flags:\t([0-7]{1,12})\n/m.exec(fdinfo ?? '')?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & O_ACCMODE) === O_WRONLY;
}
