import { closeSync, type BigIntStats } from 'node:fs';
import { codeOf } from '../errors.ts';
import { statOf } from './open-file.ts';

/** A regular file that is open. */
export interface Opened {
  readonly fd: number;
  readonly stat: BigIntStats;
}

/** `missing`: there is none; `refused`: no regular file; `failed`: this time it could not be told. */
export type NotOpened = 'missing' | 'refused' | 'failed';

/** Opens, and looks at what has been opened. Never throws. */
export async function openedBy(open: () => Promise<number>): Promise<Opened | NotOpened> {
  let fd: number;
  try {
    fd = await open();
  } catch (error) {
    return notOpened(codeOf(error));
  }
  try {
    const stat = await statOf(fd);
    if (stat.isFile()) return { fd, stat };
  } catch {
    closeQuietly(fd);
    return 'failed';
  }
  closeQuietly(fd);
  return 'refused';
}

function notOpened(code: string): NotOpened {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
  return code === 'EINVAL' || code === 'ELOOP' || code === 'ENXIO' ? 'refused' : 'failed';
}

/** What cannot be closed is closed. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // The kernel has let go of the descriptor all the same (close(2)).
  }
}
