import { close as closeFd, constants, fstat, open as openFd, type BigIntStats } from 'node:fs';
import { promisify } from 'node:util';
import { AgentError, codeOf, messageOf } from '../errors.ts';
import { O_PATH } from '../host/files.ts';

const openAsync = promisify(openFd);
const closeAsync = promisify(closeFd);
const fstatAsync = promisify(fstat) as unknown as (
  fd: number,
  options: { bigint: true },
) => Promise<BigIntStats>;

/**
 * Opens a regular file for reading; answers the descriptor, which the caller closes. AgentError with the errno and the path: `ENOENT` when
 * there is none now, `EINVAL` for a directory, FIFO, device, socket or symbolic link, which are not opened: that may hang or do something.
 */
export async function openLog(path: string): Promise<number> {
  try {
    const place = await openAsync(path, O_PATH | constants.O_NOFOLLOW);
    try {
      if (!(await statOf(place)).isFile()) throw new AgentError('EINVAL', 'no regular file');
      return await openAsync(`/proc/self/fd/${place}`, constants.O_RDONLY | constants.O_NOCTTY);
    } finally {
      await closeAsync(place);
    }
  } catch (cause) {
    throw new AgentError(codeOf(cause), `${path}: ${messageOf(cause)}`, { syscall: 'open', path, cause });
  }
}

/** Inodes of some file systems need all 64 bits. */
export const statOf = (fd: number): Promise<BigIntStats> => fstatAsync(fd, { bigint: true });
