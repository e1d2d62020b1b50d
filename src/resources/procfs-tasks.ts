import { statField, ticksPerSecond } from '../host/process-stat.ts';
import type { TextReader } from '../host/texts.ts';
import type { Hierarchy } from '../kernel/hierarchy.ts';
import type { CgroupTimes, TaskTimes } from '../kernel/tasks.ts';
import type { ContainerList, ListedContainer } from '../model/containers.ts';

/** More cgroups and threads of one container, and more threads in all, are not looked at. */
const maxCgroups = 64;
const maxThreads = 1024;
export const maxThreadsInAll = 65_536;
/** Threads that are read in one go: bounds what is in memory at a time. */
const atOnce = 256;

const nsPerTick = 1e9 / ticksPerSecond;

interface Thread {
  readonly started: string;
  readonly cgroupId: number;
  readonly runDelayNs: number;
  readonly diskDelayNs: number;
}

/**
 * What living threads have waited for, by /proc/<tid>/schedstat (Documentation/scheduler/sched-stats.rst) and field 42 of
 * /proc/<tid>/stat (proc(5)). What a thread waits for after it was read last is lost when it ends, and nothing is told of
 * CPU time. Containers that have not run since are not looked at.
 */
export function procfsTasks(deps: {
  readonly containers: ContainerList;
  readonly hierarchy: Hierarchy;
  readonly proc: string;
  readonly read: TextReader;
}): TaskTimes {
  const { containers, hierarchy, proc, read } = deps;
  const listFile = hierarchy.version === 1 ? 'tasks' : 'cgroup.threads';
  const looked = new WeakMap<ListedContainer, number>();
  const totals = new Map<number, CgroupTimes>();
  const threads = new Map<string, Thread>();

  const list = async (due: readonly ListedContainer[]): Promise<{ tid: string; cgroupId: number }[]> => {
    const cgroups = due.flatMap((container) => [...container.cgroups].slice(0, maxCgroups));
    const texts = await read(cgroups.map(({ path }) => `${hierarchy.mountPoint}${path}/${listFile}`));
    return cgroups.flatMap(({ id }, i) =>
      (texts[i] ?? '')
        .split('\n', maxThreads)
        .filter((tid) => /^[1-9]\d*$/.test(tid))
        .map((tid) => ({ tid, cgroupId: id })),
    );
  };

  const add = (tid: string, now: Thread): void => {
    const known = threads.get(tid);
    const before = known?.started === now.started ? known : undefined;
    if (known === undefined && threads.size >= maxThreadsInAll) return;
    threads.set(tid, now);
    const { cgroupId } = now;
    const total = totals.get(cgroupId) ?? { cgroupId, runDelayNs: 0, diskDelayNs: 0, execNs: 0 };
    const growth = (kind: 'runDelayNs' | 'diskDelayNs'): number =>
      Math.max(0, now[kind] - (before?.[kind] ?? 0));
    totals.set(cgroupId, {
      ...total,
      runDelayNs: total.runDelayNs + growth('runDelayNs'),
      diskDelayNs: total.diskDelayNs + growth('diskDelayNs'),
    });
  };

  return {
    take(cgroupId) {
      const last = totals.get(cgroupId);
      totals.delete(cgroupId);
      return last;
    },
    async read() {
      const due = [...containers.all()].filter((each) => looked.get(each) !== each.activity.runs);
      for (const container of due) looked.set(container, container.activity.runs);
      const found = await list(due);
      for (let start = 0; start < found.length; start += atOnce) {
        const some = found.slice(start, start + atOnce);
        const texts = await read(
          some.flatMap(({ tid }) => [`${proc}/${tid}/stat`, `${proc}/${tid}/schedstat`]),
        );
        for (const [i, { tid, cgroupId }] of some.entries()) {
          const thread = parseThread(texts[2 * i], texts[2 * i + 1], cgroupId);
          if (thread !== undefined) add(tid, thread);
        }
      }
      const lookedAt = new Set(due.flatMap(({ cgroups }) => [...cgroups].map(({ id }) => id)));
      const living = new Set(found.map(({ tid }) => tid));
      // A list may be too long or not come in time, and a thread may be in another one: only who has no files is gone.
      const missing = [...threads].filter(([tid, { cgroupId }]) =>
        lookedAt.has(cgroupId) ? !living.has(tid) : !totals.has(cgroupId),
      );
      for (let start = 0; start < missing.length; start += atOnce) {
        const some = missing.slice(start, start + atOnce);
        const texts = await read(some.map(([tid]) => `${proc}/${tid}/stat`));
        for (const [i, [tid, { started }]] of some.entries())
          if (statField(texts[i], 22) !== started) threads.delete(tid);
      }
      return [...totals.values()];
    },
  };
}

/** Undefined for a thread that is gone. */
export function parseThread(
  stat: string | undefined,
  schedstat: string | undefined,
  cgroupId: number,
): Thread | undefined {
  const started = statField(stat, 22);
  const ticks = Number(statField(stat, 42));
  const runDelayNs = Number(schedstat?.split(' ')[1]);
  if (started === undefined || !Number.isFinite(ticks) || !Number.isFinite(runDelayNs)) return undefined;
  return { started, cgroupId, runDelayNs, diskDelayNs: ticks * nsPerTick };
}
