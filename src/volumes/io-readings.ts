import type { TextReader } from '../host/texts.ts';
import type { ListedContainer } from '../model/containers.ts';
import { followCgroups } from '../model/cgroup-readings.ts';
import { addIo, type Io, type IoByDevice, type IoSource } from './io.ts';

interface CgroupIo {
  readonly path: string;
  io: IoByDevice;
}

/** Cgroups of one container as they were read last; what those had counted that are gone stays. */
interface Account {
  readonly living: Map<number, CgroupIo>;
  readonly gone: Map<string, Io>;
  /** Of `activity`, at the last look. */
  runs: number;
  /** It is read with every look until then. */
  stirredUntilMs: number;
  dueMs: number;
}

/** What was written reaches the disk within half a minute or so (vm.dirty_expire_centisecs), whoever runs by then. */
const settlesMs = 120_000;
/** Whoever does nothing is looked at so often. */
const idleMs = 60_000;
/** Files that are read in one go: bounds what is in memory at a time. */
const atOnce = 256;

export interface IoReadings {
  /** Reads what can have changed. */
  update(containers: readonly ListedContainer[]): Promise<void>;
  /** Over all cgroups of the container, those that are gone included. */
  of(container: ListedContainer): IoByDevice;
}

/** I/O counters of containers. */
export function ioReadings(source: IoSource | undefined, read: TextReader, nowMs: () => number): IoReadings {
  const accounts = new WeakMap<ListedContainer, Account>();

  const accountOf = (container: ListedContainer): Account => {
    let account = accounts.get(container);
    if (account === undefined) {
      account = { living: new Map(), gone: new Map(), runs: -1, stirredUntilMs: 0, dueMs: -Infinity };
      accounts.set(container, account);
    }
    const { living, gone } = account;
    const isNew = followCgroups(living, source?.cgroupsOf(container) ?? [], {
      exists: (id) => [...container.cgroups].some((cgroup) => cgroup.id === id),
      fresh: (path): CgroupIo => ({ path, io: new Map() }),
      onGone(_, { io }) {
        for (const [device, figures] of io) gone.set(device, addIo(gone.get(device), figures));
      },
    });
    if (isNew) account.dueMs = -Infinity;
    return account;
  };

  const isDue = (container: ListedContainer): boolean => {
    const account = accountOf(container);
    const { runs } = container.activity;
    if (runs !== account.runs) account.stirredUntilMs = nowMs() + settlesMs;
    account.runs = runs;
    if (nowMs() >= account.stirredUntilMs && nowMs() < account.dueMs) return false;
    account.dueMs = nowMs() + idleMs;
    return true;
  };

  return {
    async update(containers) {
      if (source === undefined) return;
      const cgroups = containers
        .filter(isDue)
        .flatMap((container) => [...accountOf(container).living.values()]);
      for (let start = 0; start < cgroups.length; start += atOnce) {
        const some = cgroups.slice(start, start + atOnce);
        const files = some.map(({ path }) => source.files(path));
        const texts = (await read(files.flat())).values();
        for (const [i, cgroup] of some.entries())
          cgroup.io = source.parse(files[i]!.map(() => texts.next().value)) ?? cgroup.io;
      }
    },
    of(container) {
      const { living, gone } = accountOf(container);
      const total = new Map(gone);
      for (const { io } of living.values())
        for (const [device, figures] of io) total.set(device, addIo(total.get(device), figures));
      return total;
    },
  };
}
