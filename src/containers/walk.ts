import { opendir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../errors.ts';
import { statField, ticksPerSecond } from '../host/process-stat.ts';

/** A cgroup found below a mount point. `id` is its kernel id: the inode of its directory (kernfs). */
export interface FoundCgroup {
  readonly id: number;
  /** From the root of the hierarchy, `/system.slice/nginx.service`. */
  readonly path: string;
}

/**
 * Walks every cgroup below `mountPoint`, at most `limit` of them. What vanished meanwhile is left out; any other error
 * goes to `onError`, and what lies below is not seen.
 */
export async function* walkCgroups(
  mountPoint: string,
  limit: number,
  onError: (error: unknown) => void,
): AsyncGenerator<FoundCgroup> {
  const pending = [''];
  for (let found = 0; pending.length > 0 && found < limit; found++) {
    const path = pending.pop() ?? '';
    const directory = join(mountPoint, path);
    try {
      const { ino } = await stat(directory);
      yield { id: ino, path: path === '' ? '/' : path };
      for await (const entry of await opendir(directory)) {
        if (!entry.isDirectory()) continue;
        // Users come last: they can make as many as they like, and the others are to be found all the same.
        if (path === '' && entry.name === 'user.slice') pending.unshift('/user.slice');
        else pending.push(`${path}/${entry.name}`);
      }
    } catch (error) {
      if (!vanished.has(codeOf(error))) onError(error);
    }
  }
}

const vanished = new Set(['ENOENT', 'ENODEV']);

const procsRead = 64;

/** Processes of a cgroup. */
export interface Processes {
  /** There are some, in it or below it. */
  readonly isPopulated: boolean;
  /** When the oldest of its own started, in milliseconds since boot; of those that can be seen. */
  readonly startMs: number | undefined;
}

/** Looks at the first 64 pids only: a bound, and enough for an age in seconds. */
export async function processesOf(directory: string, proc: string): Promise<Processes> {
  const textOf = (name: string): Promise<string> => readFile(join(directory, name), 'utf8').catch(() => '');
  const [events, procs] = await Promise.all([textOf('cgroup.events'), textOf('cgroup.procs')]);
  const pids = procs.split('\n', procsRead).filter(Boolean);
  const starts = await Promise.all(pids.map((pid) => processStartMs(join(proc, pid, 'stat'))));
  const known = starts.filter((start) => start !== undefined);
  return {
    // The first is v2's, and knows of threaded cgroups, too.
    isPopulated: /^populated 1$/m.test(events) || pids.length > 0,
    startMs: known.length === 0 ? undefined : Math.min(...known),
  };
}

async function processStartMs(statFile: string): Promise<number | undefined> {
  const ticks = Number(statField(await readFile(statFile, 'utf8').catch(() => ''), 22));
  return Number.isFinite(ticks) ? (ticks / ticksPerSecond) * 1000 : undefined;
}
