import { statSync } from 'node:fs';
import type { Features } from '../features.ts';
import { hostPidNamespace } from '../host/view.ts';
import type { HostPaths } from '../host/paths.ts';
import type { Addon, BpfObject } from '../native/addon.ts';
import type { KernelFigures } from './figures.ts';
import type { Hierarchy } from './hierarchy.ts';
import { tasksLayouts } from './layouts.ts';
import { flag } from './rodata.ts';
import { requireBpf, unavailable } from './start.ts';
import { uint64 } from './uint64.ts';

/** For how long the tasks of a cgroup have run and waited, in nanoseconds; what has ended included. */
export interface CgroupTimes {
  readonly cgroupId: number;
  /** Ready to run, without a CPU. */
  readonly runDelayNs: number;
  /** Waiting for block I/O. */
  readonly diskDelayNs: number;
  readonly execNs: number;
}

/** Where these times come from. Each only grows for as long as its cgroup is not taken. */
export interface TaskTimes {
  read(): Promise<readonly CgroupTimes[]>;
  /** Forgets a cgroup and answers its last times, undefined where it has none. */
  take(cgroupId: number): CgroupTimes | undefined;
}

export interface TaskProgram extends TaskTimes {
  /** Name of the object: `tasks`, or `tasks_plain` before Linux 5.12. */
  readonly object: string;
  figures(): KernelFigures;
  /** Idempotent. */
  close(): void;
}

/** The second is for kernels without storage of tasks or compare-and-swap. */
const objects = ['tasks', 'tasks_plain'] as const;
const programs = ['task_walk', 'task_moved', 'task_exits', 'task_freed'] as const;
const { taskTimes, taskRefused, bss, rodata } = tasksLayouts;
const keyBytes = 8;

/** Sizes of the maps, when not those of the program; `records` exists in `tasks_plain` alone. */
export interface TaskLimits {
  readonly totals?: number;
  readonly records?: number;
}

/**
 * Starts adding up the times of all tasks, by the first object that works here (`only` names the one to try). Answers undefined
 * where that cannot be had: the feature `delays` says why, and works by procfs.
 */
export async function startTasks(
  addon: Addon | undefined,
  readObject: (name: string) => Promise<Uint8Array>,
  hierarchy: Hierarchy,
  paths: HostPaths,
  features: Features,
  { only, limits = {} }: { only?: (typeof objects)[number]; limits?: TaskLimits } = {},
): Promise<TaskProgram | undefined> {
  let refused: unknown;
  for (const name of only === undefined ? objects : [only]) {
    try {
      const object = requireBpf(addon, paths).openObject(await readObject(name), name);
      const program = await start(object, name, hierarchy, limits);
      tell(features, name, paths);
      return program;
    } catch (error) {
      refused ??= error;
    }
  }
  features.lessen('delays', refused);
  return undefined;
}

function tell(features: Features, name: string, { proc }: HostPaths): void {
  // The walk sees the tasks of our own pid namespace and of those inside it (kernel/bpf/task_iter.c).
  const pids = statSync(`${proc}/self/ns/pid`, { throwIfNoEntry: false })?.ino ?? hostPidNamespace;
  if (pids === hostPidNamespace) features.set('delays', true, '', `by ${name}`);
  else features.lessen('delays', unavailable('no_namespace', 'tasks of the host are seen when they end'));
}

async function start(
  object: BpfObject,
  name: (typeof objects)[number],
  hierarchy: Hierarchy,
  limits: TaskLimits,
): Promise<TaskProgram> {
  try {
    object.setInitial('.rodata', rodata.fields.memoryV1.offset, flag(hierarchy.version === 1));
    const since = Buffer.alloc(8);
    since.writeBigUInt64LE(process.hrtime.bigint());
    object.setInitial('.rodata', rodata.fields.sinceNs.offset, since);
    if (limits.totals !== undefined) object.setMaxEntries('task_totals', limits.totals);
    if (limits.records !== undefined) object.setMaxEntries('task_records', limits.records);
    await object.load();
    // Before the first walk: a task that ends in between has its record looked for.
    for (const program of programs.slice(1)) object.attach(program);
    const walk = object.attach('task_walk');
    return started(object, name, walk);
  } catch (error) {
    object.close();
    throw error;
  }
}

function started(object: BpfObject, name: string, walk: number): TaskProgram {
  let entries = 0;
  const entryBytes = keyBytes + taskTimes.size;
  return {
    object: name,
    async read() {
      await object.readIterator(walk, 4096);
      const bytes = await object.readMap('task_totals');
      entries = Math.floor(bytes.length / entryBytes);
      return Array.from({ length: entries }, (_, i) =>
        decodeTimes(uint64(bytes, i * entryBytes), bytes.subarray(i * entryBytes + keyBytes)),
      );
    },
    take(cgroupId) {
      const key = Buffer.alloc(keyBytes);
      key.writeBigUInt64LE(BigInt(cgroupId));
      const value = object.take('task_totals', key);
      return value === null ? undefined : decodeTimes(cgroupId, value);
    },
    figures: () => ({
      object,
      programs,
      maps: ['task_totals', 'task_records'],
      entries: { task_totals: entries },
      refused: refusedOf(object),
      ringDropped: {},
    }),
    close: () => object.close(),
  };
}

function decodeTimes(cgroupId: number, value: Buffer): CgroupTimes {
  const { runDelayNs, diskDelayNs, execNs } = taskTimes.fields;
  const at = (field: { offset: number }): number => uint64(value, field.offset);
  return { cgroupId, runDelayNs: at(runDelayNs), diskDelayNs: at(diskDelayNs), execNs: at(execNs) };
}

function refusedOf(object: BpfObject): KernelFigures['refused'] {
  const { offset, size } = bss.fields.refused;
  const bytes = object.readGlobal('.bss', offset, size);
  const count = (field: { offset: number }): number => uint64(bytes, field.offset);
  return [
    { map: 'task_totals', reason: 'full', count: count(taskRefused.fields.taskTotals) },
    { map: 'task_records', reason: 'task_storage', count: count(taskRefused.fields.taskRecords) },
  ];
}
