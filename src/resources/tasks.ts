import type { CgroupTimes, TaskTimes } from '../kernel/tasks.ts';
import type { CgroupDirectory, Container, ContainerDirectory, ContainerList } from '../model/containers.ts';
import { handOver } from '../model/successors.ts';

/** For how long the tasks of a container have waited, in nanoseconds. */
export interface Delays {
  readonly runDelayNs: number;
  readonly diskDelayNs: number;
}

/** CPU time that tasks below a topmost cgroup have used since the update before. */
export interface Use {
  readonly container: Container;
  readonly topId: number;
  readonly execNs: number;
}

export interface TaskModel {
  update(): Promise<void>;
  delaysOf(container: Container): Delays;
  /** What was used since somebody asked last. */
  takeUsed(): readonly Use[];
}

interface Entry {
  times: CgroupTimes;
  container: Container | undefined;
  /** How much of `execNs` was told as used by `container`. */
  toldNs: number;
  changedMs: number;
}

const nothing: Delays = { runDelayNs: 0, diskDelayNs: 0 };

/**
 * The last tasks of a cgroup are freed after it is gone (an RCU grace period, and whoever waits for the parent to look): so
 * long after the last change nobody is expected any more.
 */
const settledMs = 60_000;

/** What tasks have waited for and used, by container. Bounded by what the source keeps, and by the containers that are known. */
export function taskModel(deps: {
  readonly source: TaskTimes;
  readonly directory: ContainerDirectory & CgroupDirectory & ContainerList;
  readonly nowMs: () => number;
}): TaskModel {
  const { source, directory, nowMs } = deps;
  const entries = new Map<number, Entry>();
  /** Of cgroups that were taken from the source. */
  const settled = new Map<Container, Delays>();
  let living = new Map<Container, Delays>();
  const used: Use[] = [];

  const note = (times: CgroupTimes): Entry => {
    const { cgroupId } = times;
    const entry = entries.get(cgroupId) ?? { times, container: undefined, toldNs: 0, changedMs: nowMs() };
    entries.set(cgroupId, entry);
    if (!isSame(entry.times, times)) entry.changedMs = nowMs();
    entry.times = times;
    const container = directory.byCgroup(cgroupId) ?? entry.container?.successor ?? entry.container;
    entry.container = container;
    const topId = directory.topOf(cgroupId);
    // Of nobody we know so far: the next update tells all of it.
    if (container === undefined || topId === undefined || times.execNs === entry.toldNs) return entry;
    used.push({ container, topId, execNs: times.execNs - entry.toldNs });
    entry.toldNs = times.execNs;
    return entry;
  };

  /** What is taken may be newer than the reading. One that cannot be taken is left for the next time. */
  const settle = (cgroupId: number): void => {
    let last: CgroupTimes | undefined;
    try {
      last = source.take(cgroupId);
    } catch {
      return;
    }
    const { container, times } = last === undefined ? entries.get(cgroupId)! : note(last);
    entries.delete(cgroupId);
    if (container !== undefined) settled.set(container, plus(settled.get(container), times));
  };

  return {
    takeUsed: () => used.splice(0),
    delaysOf: (container) => plus(settled.get(container), living.get(container) ?? nothing),
    async update() {
      const reading = await source.read();
      const found = new Set(reading.map(({ cgroupId }) => cgroupId));
      for (const cgroupId of entries.keys()) if (!found.has(cgroupId)) entries.delete(cgroupId);
      const due = [];
      for (const times of reading) {
        const { changedMs } = note(times);
        if (!directory.exists(times.cgroupId) && nowMs() - changedMs >= settledMs) due.push(times.cgroupId);
      }
      due.forEach(settle);
      handOver(settled, new Set(directory.all()), (successor, delays) =>
        settled.set(successor, plus(settled.get(successor), delays)),
      );
      living = new Map();
      for (const { container, times } of entries.values())
        if (container !== undefined) living.set(container, plus(living.get(container), times));
    },
  };
}

function isSame(one: CgroupTimes, other: CgroupTimes): boolean {
  const { runDelayNs, diskDelayNs, execNs } = one;
  return other.runDelayNs === runDelayNs && other.diskDelayNs === diskDelayNs && other.execNs === execNs;
}

function plus(one: Delays = nothing, other: Delays): Delays {
  return {
    runDelayNs: one.runDelayNs + other.runDelayNs,
    diskDelayNs: one.diskDelayNs + other.diskDelayNs,
  };
}
