import { uptime } from 'node:os';
import type { Clock } from '../host/clock.ts';
import type { HostPaths } from '../host/paths.ts';
import type { CgroupEvent } from '../kernel/cgroup-event.ts';
import type { ContainerDirectory, ContainerList } from '../model/containers.ts';
import { Directory, type DirectoryRules } from './directory.ts';
import { walker } from './discovery.ts';

/** The file system is walked this often even while kernel events arrive: what they miss is found then. */
const walkEveryMs = 30_000;
/** At most this often because somebody asked for a cgroup that nobody knows. */
const walkOnDemandMs = 1000;

export interface ContainerWatch {
  readonly directory: ContainerDirectory & ContainerList;
  /** Containers known, and cgroups that found no place. */
  size(): number;
  refused(): number;
  /** Kernel events, in order. */
  onEvents(events: readonly CgroupEvent[]): void;
  /** Looks at the file system once more; resolves when the directory is in line with it. */
  walk(): Promise<void>;
  close(): void;
}

/** Keeps track of who exists: kernel events as they come, a walk at start, every 30 s and when a count names an unknown cgroup. */
export function watchContainers(deps: {
  rules: DirectoryRules;
  mountPoint: string;
  paths: HostPaths;
  clock: Clock;
}): ContainerWatch {
  const { rules, mountPoint, paths, clock } = deps;
  const directory = new Directory(rules, clock);
  const walk = walker({ directory, mountPoint, proc: paths.proc, clock, uptimeSeconds: uptime });
  const timer = setInterval(() => void walk(), walkEveryMs).unref();
  let walkedOnDemandMs = -Infinity;

  return {
    directory: {
      byCgroup(cgroupId) {
        // 0 is nobody's: sockets whose cgroup the kernel side could not tell.
        if (
          cgroupId !== 0 &&
          !directory.knows(cgroupId) &&
          clock.monotonic() - walkedOnDemandMs >= walkOnDemandMs
        ) {
          walkedOnDemandMs = clock.monotonic();
          void walk();
        }
        return directory.byCgroup(cgroupId);
      },
      all: () => directory.all(),
    },
    size: () => directory.size,
    refused: () => directory.refused,
    onEvents(events) {
      for (const { kind, cgroupId, path, truncated } of events) {
        // A path that was cut names nobody: the next walk has all of it.
        if (kind === 'created' && truncated) continue;
        if (kind === 'created') directory.add(cgroupId, path, clock.monotonic());
        else directory.remove(cgroupId);
      }
    },
    walk,
    close: () => clearInterval(timer),
  };
}
