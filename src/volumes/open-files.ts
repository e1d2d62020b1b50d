import { readdirSync } from 'node:fs';
import type { TextReader } from '../host/texts.ts';
import type { Container, ListedContainer } from '../model/containers.ts';
import { pidsOf } from '../model/processes.ts';
import { turns } from '../turns.ts';
import { walkEveryMs, type Sighting, type Sightings } from './sightings.ts';

export interface OpenFilesDeps {
  readonly containers: { all(): Iterable<ListedContainer> };
  /** Mount point of the hierarchy that counts. */
  readonly mountPoint: string;
  /** procfs with the pids that cgroup.procs shows. */
  readonly proc: string;
  readonly read: TextReader;
  readonly nowMs: () => number;
}

/** More files of one process are not looked at, and more files in one go neither: who is left has its turn the next time. */
const filesOfProcess = 256;
const filesAtOnce = 16_384;
const perRead = 256;

/** What living processes have open for writing, by procfs; only of containers that ran since they were looked at. */
export function openFileSightings({ containers, mountPoint, proc, read, nowMs }: OpenFilesDeps): Sightings {
  const lookedAt = new WeakMap<Container, number>();
  let dueMs = -Infinity;

  const filesOf = (pid: string): string[] => {
    try {
      const folder = `${proc}/${pid}/fdinfo`;
      return readdirSync(folder)
        .slice(0, filesOfProcess)
        .map((name) => `${folder}/${name}`);
    } catch {
      return [];
    }
  };

  const mountsOf = async (files: readonly string[]): Promise<Set<number>> => {
    const ids = new Set<number>();
    for (let start = 0; start < files.length; start += perRead)
      for (const text of await read(files.slice(start, start + perRead))) {
        const id = writtenMount(text ?? '');
        if (id !== undefined) ids.add(id);
      }
    return ids;
  };

  return {
    settle() {},
    unsettle() {},
    async look() {
      const found = new Map<Container, readonly Sighting[]>();
      if (nowMs() < dueMs) return found;
      dueMs = nowMs() + walkEveryMs;
      const stirred = [...containers.all()].filter(
        (container) => container.topCgroups.length > 0 && lookedAt.get(container) !== container.activity.runs,
      );
      // Those that nobody has looked at first: a few with many files must not keep them from their turn.
      stirred.sort((one, other) => Number(lookedAt.has(one)) - Number(lookedAt.has(other)));
      const turn = turns();
      let left = filesAtOnce;
      for (let start = 0; start < stirred.length && left > 0; start += perRead) {
        const some = stirred.slice(start, start + perRead);
        const pids = await pidsOf(some, mountPoint, read);
        for (const [i, container] of some.entries()) {
          await turn();
          if (left <= 0) break;
          const { runs } = container.activity;
          const files = pids[i]!.flatMap(filesOf).slice(0, filesAtOnce);
          left -= files.length;
          const ids = await mountsOf(files);
          found.set(
            container,
            [...ids].map((mountId) => ({ mountId, above: [] })),
          );
          lookedAt.set(container, runs);
        }
      }
      return found;
    },
  };
}

/** The mount of an open file by /proc/<pid>/fdinfo/<fd> (proc_pid_fdinfo(5)); undefined unless it may be written to. */
export function writtenMount(text: string): number | undefined {
  const flags = /^flags:\t([0-7]{1,12})\n/m.exec(text)?.[1];
  const id = /^mnt_id:\t(\d{1,10})\n/m.exec(text)?.[1];
  // O_WRONLY or O_RDWR; 3 may neither read nor write (open(2)).
  const access = Number.parseInt(flags ?? '0', 8) & 3;
  return id !== undefined && (access === 1 || access === 2) ? Number(id) : undefined;
}
