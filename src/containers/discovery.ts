import { join } from 'node:path';
import type { Clock } from '../host/clock.ts';
import type { Directory } from './directory.ts';
import { processesOf, walkCgroups } from './walk.ts';

/** Directories visited in one walk. */
const walkLimit = 65_536;

export interface DiscoveryDeps {
  readonly directory: Directory;
  /** Mount point of the hierarchy that counts. */
  readonly mountPoint: string;
  /** procfs with the pids that cgroup.procs shows. */
  readonly proc: string;
  readonly clock: Clock;
  /** Seconds since boot, for the age of processes. */
  readonly uptimeSeconds: () => number;
}

/**
 * Brings the directory in line with the file system. One walk at a time; a request during a walk is answered by the
 * next one. Kernel events keep the directory current in between; without them this is all there is.
 */
export function walker(deps: DiscoveryDeps): () => Promise<void> {
  let running: Promise<void> | undefined;
  let again = false;
  let isFirst = true;
  const run = async (): Promise<void> => {
    do {
      again = false;
      await walkOnce(deps, isFirst);
      isFirst = false;
    } while (again);
  };
  return () => {
    if (running !== undefined) {
      again = true;
      return running;
    }
    running = run().finally(() => {
      running = undefined;
    });
    return running;
  };
}

async function walkOnce(
  { directory, mountPoint, proc, clock, uptimeSeconds }: DiscoveryDeps,
  isFirst: boolean,
): Promise<void> {
  const knownBefore = directory.existing();
  const found = new Set<number>();
  const populated: number[] = [];
  let complete = true;
  const onError = (): void => {
    complete = false;
  };
  for await (const { id, path } of walkCgroups(mountPoint, walkLimit, onError)) {
    found.add(id);
    // Nobody looks at the processes of those that find no place.
    if (directory.knows(id) || directory.refuses(path)) continue;
    const { isPopulated, startMs } = await processesOf(join(mountPoint, path), proc);
    const nowMs = clock.monotonic();
    const ageMs = startMs === undefined ? 0 : uptimeSeconds() * 1000 - startMs;
    directory.add(id, path, nowMs - ageMs, isFirst);
    if (isPopulated) populated.push(id);
  }
  // Only what a complete walk did not find is gone.
  if (complete && found.size > 0 && found.size < walkLimit) directory.retain(found, knownBefore);
  // A new cgroup after those that are gone: else a restart would look like a second one beside the first.
  for (const id of populated) directory.populate(id, true);
  directory.forgetGone();
}
