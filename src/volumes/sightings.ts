import type { VolumeProgram } from '../kernel/volumes.ts';
import type { Container, ContainerDirectory } from '../model/containers.ts';

/** A container writes to a mount: as much as is known of it. */
export interface Sighting {
  /** As in mountinfo, of some mount namespace; 0 where it is not known. */
  readonly mountId: number;
  /** `8:1`; undefined where it is not known. */
  readonly device?: string;
  /** Inodes of directories above the file, nearest first: one of them is the root of the mount. */
  readonly above: readonly number[];
}

/** Who writes where. */
export interface Sightings {
  /** What was seen since the last look. */
  look(): Promise<ReadonlyMap<Container, readonly Sighting[]>>;
  /** Nothing new can be seen of the container on this device; or all that is to be seen is new. */
  settle(container: Container, device: string): void;
  unsettle(container: Container, device: string): void;
}

/** What is open for writing is looked for so often; who writes is told without. */
export const walkEveryMs = 45_000;
/** A cgroup of which nobody has heard may yet turn up. */
const patienceMs = 60_000;
/** More cgroups of one container are settled for good: those that were heard of first. */
const maxCgroups = 64;

/** As the kernel tells it. */
export function toldSightings(
  program: VolumeProgram,
  containers: ContainerDirectory,
  nowMs: () => number,
): Sightings {
  let walkDueMs = -Infinity;
  /** Cgroups that belong to nobody, and since when. */
  let strangers = new Map<number, number>();
  const cgroupsOf = new WeakMap<Container, Map<string, Set<number>>>();

  const note = (container: Container, device: string, cgroupId: number): void => {
    const byDevice = cgroupsOf.get(container) ?? new Map<string, Set<number>>();
    cgroupsOf.set(container, byDevice);
    const ids = byDevice.get(device) ?? new Set<number>();
    byDevice.set(device, ids.add(cgroupId));
    for (const id of ids) if (ids.size > maxCgroups) ids.delete(id);
  };
  const noted = (container: Container, device: string): { cgroupId: number; device: string }[] =>
    [...(cgroupsOf.get(container)?.get(device) ?? [])].map((cgroupId) => ({ cgroupId, device }));

  return {
    async look() {
      if (nowMs() >= walkDueMs) {
        walkDueMs = nowMs() + walkEveryMs;
        await program.walk();
      }
      const found = new Map<Container, Sighting[]>();
      const unknown = new Map<number, number>();
      for (const use of await program.read()) {
        const container = containers.byCgroup(use.cgroupId);
        if (container === undefined) {
          const sinceMs = strangers.get(use.cgroupId) ?? nowMs();
          unknown.set(use.cgroupId, sinceMs);
          if (nowMs() - sinceMs < patienceMs) program.again(use);
          else program.settle(use);
          continue;
        }
        note(container, use.device, use.cgroupId);
        const seen = found.get(container);
        if (seen === undefined) found.set(container, [use]);
        else seen.push(use);
      }
      strangers = unknown;
      return found;
    },
    settle(container, device) {
      for (const use of noted(container, device)) program.settle(use);
    },
    unsettle(container, device) {
      for (const use of noted(container, device)) program.unsettle(use);
      cgroupsOf.get(container)?.delete(device);
    },
  };
}
