import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { codeOf } from '../errors.ts';
import type { HostPaths } from '../host/paths.ts';
import { statField } from '../host/process-stat.ts';
import type { Addon } from '../native/addon.ts';
import { openLog } from './open-file.ts';

const deadlineMs = 2000;

/** Opens a regular file of the host for reading; answers the descriptor or the negative errno. */
export type HostOpener = (path: string) => Promise<number>;

/** With the addon links lead to where they do for the host; without it, and on captured machines, to where they do for the agent. */
export function hostOpener(addon: Addon | undefined, { proc, root }: HostPaths): HostOpener {
  if (addon === undefined || proc !== '/proc')
    return (path) => openLog(root + path).catch((error: unknown) => -errnoOf(error));
  const pid = root === '' ? process.pid : 1;
  const startTicks = Number(statField(readFileSync(`${proc}/${pid}/stat`, 'utf8'), 22));
  return async (path) => {
    const asked = [{ pid, startTicks, path, place: `logs in ${dirname(path)}` }];
    const [fd = -constants.errno.EIO] = await addon.openInside(asked, true, deadlineMs);
    return fd;
  };
}

function errnoOf(error: unknown): number {
  return (constants.errno as Partial<Record<string, number>>)[codeOf(error)] ?? constants.errno.EIO;
}
