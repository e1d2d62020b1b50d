import { uptime } from 'node:os';
import type { Clock } from '../host/clock.ts';
import type { HostPaths } from '../host/paths.ts';
import type { CgroupEvent } from '../kernel/cgroup-event.ts';
import type { ContainerDirectory } from '../model/containers.ts';
import { Directory, type DirectoryRules } from './directory.ts';
import { walker } from './discovery.ts';

/** The file system is walked this often even while kernel events arrive: what they miss is found then. */
const walkEveryMs = 30_000;
/** At most this often because somebody asked for a cgroup that nobody knows. */
const walkOnDemandMs = 1000;

export interface ContainerWatch {
  readonly directory: ContainerDirectory;
  /** Containers known. */
  size(): number;
  /** Kernel events, in order. */
  onEvents(events: readonly CgroupEvent[]): void;
  /** Resolves after the first walk. */
  readonly ready: Promise<void>;
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
    },
    size: () => directory.size,
    onEvents(events) {
      for (const { kind, cgroupId, path } of events) {
        if (kind === 'created') directory.add(cgroupId, path, clock.monotonic());
        else directory.remove(cgroupId);
      }
    },
    ready: walk(),
    close: () => clearInterval(timer),
  };
}
