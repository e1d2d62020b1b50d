import type { Cgroup } from './containers.ts';

/**
 * Keeps what was read by cgroup in line with those that are there `now`. One that went tells `onGone`, unless it still exists: then it
 * lies in one that was found above it, which counts for it. Answers whether there are new ones.
 */
export function followCgroups<T>(
  readings: Map<number, T>,
  now: Iterable<Cgroup>,
  follow: {
    readonly exists: (cgroupId: number) => boolean;
    readonly fresh: (path: string) => T;
    readonly onGone: (cgroupId: number, reading: T) => void;
  },
): boolean {
  const paths = new Map([...now].map(({ id, path }) => [id, path]));
  for (const [id, reading] of readings) {
    if (paths.has(id)) continue;
    readings.delete(id);
    if (!follow.exists(id)) follow.onGone(id, reading);
  }
  let isNew = false;
  for (const [id, path] of paths) {
    if (readings.has(id)) continue;
    readings.set(id, follow.fresh(path));
    isNew = true;
  }
  return isNew;
}
