import { readlinkSync } from 'node:fs';
import { statField } from '../host/process-stat.ts';
import type { TextReader } from '../host/texts.ts';
import { parseMountinfo, type Mount } from '../kernel/mountinfo.ts';
import type { ListedContainer } from '../model/containers.ts';
import { pidsOf } from '../model/processes.ts';
import { turns } from '../turns.ts';

/** A living process of a container, and what is mounted where it looks. */
export interface View {
  readonly pid: number;
  /** When it started, in clock ticks since boot. */
  readonly startTicks: number;
  readonly mounts: readonly Mount[];
}

export interface ViewsDeps {
  /** Mount point of the hierarchy that counts. */
  readonly mountPoint: string;
  /** procfs with the pids that cgroup.procs shows. */
  readonly proc: string;
  readonly read: TextReader;
  /** A megabyte of each file, as UTF-8. */
  readonly readMounts: TextReader;
}

/** One for each container; undefined where no process of it could be looked at. */
export type Views = (containers: readonly ListedContainer[]) => Promise<(View | undefined)[]>;

/** Containers whose mounts are read in one go: bounds what is in memory at a time. */
export const containersAtOnce = 128;

/** Processes of a container that are asked where they have their root, and those that are then tried. */
const asked = 8;
const tried = 3;

/** Mounts of containers, each table read once for all who share it. */
export function viewer({ mountPoint, proc, read, readMounts }: ViewsDeps): Views {
  const linkOf = (pid: string, name: string): string | undefined => {
    try {
      return readlinkSync(`${proc}/${pid}/${name}`);
    } catch {
      return undefined;
    }
  };
  /** Whoever changed its root sees a part only, and comes last. */
  const candidatesOf = (pids: readonly string[]): string[] => {
    const some = pids.slice(0, asked);
    const moved = (pid: string): number => ((linkOf(pid, 'root') ?? '/') === '/' ? 0 : 1);
    return (some.length < 2 ? some : some.toSorted((one, other) => moved(one) - moved(other))).slice(
      0,
      tried,
    );
  };
  const tableOf = (pid: string): string => {
    const namespace = linkOf(pid, 'ns/mnt');
    return namespace === undefined ? `of ${pid}` : `${namespace} ${linkOf(pid, 'root')}`;
  };

  return async (containers) => {
    const candidates = (await pidsOf(containers, mountPoint, read)).map(candidatesOf);
    const views: (View | undefined)[] = containers.map(() => undefined);
    const tables = new Map<string, readonly Mount[]>();
    for (let round = 0; round < tried; round++) {
      const open = candidates.flatMap((pids, i) => {
        const pid = pids[round];
        return views[i] === undefined && pid !== undefined ? [{ i, pid, table: tableOf(pid) }] : [];
      });
      if (open.length === 0) break;
      const fresh = new Map(
        open.filter(({ table }) => !tables.has(table)).map((one) => [one.table, one.pid]),
      );
      const [stats, texts] = await Promise.all([
        read(open.map(({ pid }) => `${proc}/${pid}/stat`)),
        readMounts([...fresh.values()].map((pid) => `${proc}/${pid}/mountinfo`)),
      ]);
      const turn = turns();
      for (const [n, table] of [...fresh.keys()].entries()) {
        await turn();
        if (texts[n]) tables.set(table, parseMountinfo(texts[n]));
      }
      for (const [n, { i, pid, table }] of open.entries()) {
        const startTicks = startTicksOf(stats[n]);
        const mounts = tables.get(table);
        if (startTicks !== undefined && mounts !== undefined)
          views[i] = { pid: Number(pid), startTicks, mounts };
      }
    }
    return views;
  };
}

function startTicksOf(stat: string | undefined): number | undefined {
  const field = statField(stat, 22);
  return field !== undefined && /^\d{1,15}$/.test(field) ? Number(field) : undefined;
}
