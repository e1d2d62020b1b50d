import { join } from 'node:path';
import type { Clock } from '../host/clock.ts';
import type { Directory } from './directory.ts';
import { oldestProcessStartMs, walkCgroups } from './walk.ts';

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
  const run = async (): Promise<void> => {
    do {
      again = false;
      await walkOnce(deps);
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

async function walkOnce({ directory, mountPoint, proc, clock, uptimeSeconds }: DiscoveryDeps): Promise<void> {
  const knownBefore = directory.existing();
  const found = new Set<number>();
  let complete = true;
  const onError = (): void => {
    complete = false;
  };
  for await (const { id, path } of walkCgroups(mountPoint, walkLimit, onError)) {
    found.add(id);
    if (directory.knows(id)) continue;
    const startMs = await oldestProcessStartMs(join(mountPoint, path), proc);
    const nowMs = clock.monotonic();
    const ageMs = startMs === undefined ? 0 : uptimeSeconds() * 1000 - startMs;
    directory.add(id, path, nowMs - ageMs);
    if (startMs !== undefined) directory.populate(id, true);
  }
  // Only what a complete walk did not find is gone.
  if (complete && found.size > 0 && found.size < walkLimit) directory.retain(found, knownBefore);
  directory.forgetGone();
}
