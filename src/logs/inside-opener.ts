import { closeSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { statField } from '../host/process-stat.ts';
import type { TextReader } from '../host/texts.ts';
import type { ListedContainer } from '../model/containers.ts';
import { pidsOf } from '../model/processes.ts';
import type { Addon } from '../native/addon.ts';
import type { Open } from './desk.ts';
import { mountIdOf, type WrittenFile } from './written.ts';

const deadlineMs = 2000;
/** So many processes of a container are tried in place of one that is gone. */
const maxTries = 4;
const { EINVAL, ENOENT, ESRCH } = constants.errno;

/**
 * Opens files of a directory as a process of the container sees them, on the mount where it has the first of them open: what has been
 * put over them may be somebody else's. No link is followed. Another process of the container stands in for
 * one that is gone.
 */
export function insideOpener(deps: {
  addon: Addon;
  mountPoint: string;
  proc: string;
  read: TextReader;
}): (container: ListedContainer, directory: string, process: Omit<WrittenFile, 'path'>) => Open {
  const { addon, mountPoint, proc, read } = deps;

  const othersOf = async (container: ListedContainer): Promise<{ pid: number; startTicks: number }[]> => {
    const [pids = []] = await pidsOf([container], mountPoint, read);
    const some = pids.slice(0, maxTries);
    const stats = await read(some.map((pid) => `${proc}/${pid}/stat`));
    return some
      .map((pid, i) => ({ pid: Number(pid), startTicks: Number(statField(stats[i], 22)) }))
      .filter(({ startTicks }) => startTicks > 0);
  };

  return (container, directory, { pid, startTicks, mountId }) => {
    let processes = [{ pid, startTicks }];
    const tryAll = async (name: string): Promise<number> => {
      for (const process of processes) {
        const asked = { ...process, path: join(directory, name), place: `logs of ${container.id}` };
        const [fd = -ESRCH] = await addon.openInside([asked], false, deadlineMs);
        if (fd === -ESRCH) continue;
        processes = [process];
        if (fd < 0 || mountIdOf(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) === mountId) return fd;
        closeSync(fd);
        return -EINVAL;
      }
      return -ESRCH;
    };
    return async (name) => {
      let fd = await tryAll(name);
      if (fd === -ESRCH) {
        processes = await othersOf(container);
        fd = await tryAll(name);
      }
      // Without any process there is no file to be seen.
      return fd === -ESRCH ? -ENOENT : fd;
    };
  };
}
