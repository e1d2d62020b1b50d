import { uptime } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../host/clock.ts';
import type { TextReader } from '../host/texts.ts';
import type { HostPaths } from '../host/paths.ts';
import type { CgroupEvent } from '../kernel/cgroup-event.ts';
import type { CgroupDirectory, ContainerDirectory } from '../model/containers.ts';
import { asker, type AskerDeps } from './asker.ts';
import { Directory, type DirectoryRules } from './directory.ts';
import { walker } from './discovery.ts';
import type { Member } from './member.ts';
import type { HiddenContainers } from './roster.ts';
import { containerdInspect } from './runtimes/containerd.ts';
import { crioInspect } from './runtimes/crio.ts';
import { dockerInspect } from './runtimes/docker.ts';
import { podmanInspect } from './runtimes/podman.ts';
import { sandboxFinder } from './sandbox.ts';
import { switchReader } from './switches.ts';
import { unitAsker } from './systemd/asker.ts';
import { unitFiles } from './systemd/files.ts';
import { askSystemd } from './systemd/manager.ts';

/** The file system is walked this often even while kernel events arrive: what they miss is found then. */
const walkEveryMs = 30_000;
/** The first page does not wait any longer for names. */
const askedOnceMs = 1000;
/** At most this often because somebody asked for a cgroup that nobody knows. */
const walkOnDemandMs = 1000;

export interface ContainerWatch {
  readonly directory: ContainerDirectory & CgroupDirectory & { all(): Iterable<Member> };
  /** Containers known, those of them that no runtime has named, those that are summed under one id, and those not shown. */
  size(): number;
  unnamed(): number;
  folded(): number;
  hidden(): HiddenContainers;
  /** Cgroups that found no place. */
  refused(): number;
  /** Kernel events, in order. */
  onEvents(events: readonly CgroupEvent[]): void;
  /** Looks at the file system once more; resolves when the directory is in line with it. */
  walk(): Promise<void>;
  /** Resolves when every container has been asked for once, or after a second. */
  askedOnce(): Promise<void>;
  close(): void;
}

/** Keeps track of who exists: kernel events as they come, a walk at start, every 30 s and when a count names an unknown cgroup. */
export function watchContainers(deps: {
  rules: DirectoryRules;
  mountPoint: string;
  paths: HostPaths;
  clock: Clock;
  /** The beginning of files, 64 KiB of them. */
  read: TextReader;
  /** A container has got its first process. */
  onStart?: () => void;
  /** A runtime has told where the container's logs are. */
  onLogFile?: (container: Member) => void;
  /** See AskerDeps. */
  onRuntimeState: AskerDeps['onState'];
}): ContainerWatch {
  const { rules, mountPoint, paths, clock, read, onRuntimeState } = deps;
  const closing = new AbortController();
  const names = asker({ runtimes: runtimesOf(paths.root, closing.signal), clock, onState: onRuntimeState });
  const units = unitAsker({
    askSystemd: (some, signal) => askSystemd(paths.root, some, signal),
    lookUp: unitFiles(paths.root),
    onState: onRuntimeState,
  });
  const processes = { mountPoint, proc: paths.proc, read };
  const switches = switchReader(processes);
  const directory = new Directory(rules, clock, {
    ask: (unnamed, asking) => names.ask(unnamed, asking),
    askUnit: (unit) => units.ask(unit),
    findSandbox: sandboxFinder(processes),
    onStart(container) {
      switches.look(container);
      deps.onStart?.();
    },
    ...(deps.onLogFile && { onLogFile: deps.onLogFile }),
  });
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
      topOf: (cgroupId) => directory.topOf(cgroupId),
      exists: (cgroupId) => directory.exists(cgroupId),
      all: () => directory.all(),
    },
    size: () => directory.size,
    unnamed: () => directory.unnamed,
    folded: () => directory.folded,
    hidden: () => directory.hidden(),
    refused: () => directory.refused,
    onEvents(events) {
      for (const { kind, cgroupId, path, truncated } of events) {
        // A path that was cut names nobody: the next walk has all of it.
        if (kind === 'created' && !truncated) directory.add(cgroupId, path, clock.monotonic());
        else if (kind === 'removed') directory.remove(cgroupId);
        else if (kind !== 'created') directory.populate(cgroupId, kind === 'populated');
      }
    },
    walk,
    async askedOnce() {
      const all = Promise.all([names.askedOnce(), units.idle()]);
      await Promise.race([all, sleep(askedOnceMs, undefined, { ref: false })]);
    },
    close() {
      clearInterval(timer);
      names.close();
      units.close();
      switches.close();
      closing.abort();
    },
  };
}

/** All runtimes, through their sockets and files below the root directory of the host. */
function runtimesOf(root: string, closing: AbortSignal): AskerDeps['runtimes'] {
  return {
    docker: dockerInspect(root),
    containerd: containerdInspect(root, closing),
    crio: crioInspect(root),
    podman: podmanInspect(root),
  };
}
