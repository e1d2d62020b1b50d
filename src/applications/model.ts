import { readlinkSync } from 'node:fs';
import type { TextReader } from '../host/texts.ts';
import type { ListedContainer } from '../model/containers.ts';
import { pidsOf } from '../model/processes.ts';
import { turns } from '../turns.ts';
import { languages, type Language } from './languages.ts';
import { interpreterOf, typeOf } from './types.ts';

export interface ApplicationModelDeps {
  /** Mount point of the hierarchy that counts. */
  readonly mountPoint: string;
  /** procfs with the pids that cgroup.procs shows. */
  readonly proc: string;
  readonly read: TextReader;
  /** The beginning of command lines: 16 KiB of them. */
  readonly readLines: TextReader;
  /** On the monotonic clock. */
  readonly nowMs: () => number;
}

export interface ApplicationModel {
  /** Looks at the processes of those containers that may have new ones. */
  update(containers: readonly ListedContainer[]): Promise<void>;
  /** Types of the living processes of a container. */
  of(container: ListedContainer): ReadonlySet<string>;
}

/** A process becomes what it is in its first moments: `sh -c` and entry points replace themselves. */
const settledMs = 60_000;
/** Processes that are read in one go: bounds what is in memory at a time. */
const atOnce = 128;

interface Process {
  type: string | undefined;
  /** Of its program file, once that has been looked at. */
  language: Language | undefined;
  readonly sinceMs: number;
}

interface Known {
  runs: number;
  processes: Map<string, Process>;
  types: ReadonlySet<string>;
  /** Some process is younger than `settledMs`: it is looked at again. */
  unsettled: boolean;
}

const none: ReadonlySet<string> = new Set();

/**
 * Application types by container. A process is read when it is new and once more until it has settled; processes of a
 * container that has not run since the last look are not looked for.
 */
export function applicationModel(deps: ApplicationModelDeps): ApplicationModel {
  const { mountPoint, proc, read, readLines, nowMs } = deps;
  const byContainer = new WeakMap<ListedContainer, Known>();
  const programs = languages();

  const readTypes = async (processes: readonly (readonly [string, Process, Known])[]): Promise<void> => {
    const turn = turns();
    for (let start = 0; start < processes.length; start += atOnce) {
      const some = processes.slice(start, start + atOnce);
      const lines = await readLines(some.map(([pid]) => `${proc}/${pid}/cmdline`));
      for (const [i, [pid, process, known]] of some.entries()) {
        await turn();
        const line = lines[i];
        // Gone, or a kernel thread.
        if (line === undefined || line === '') continue;
        process.type = typeOf(line) ?? interpreterOf(programOf(pid));
        programs.ask(`${proc}/${pid}/exe`, (language) => {
          process.language = language;
          known.types = typesOf(known);
        });
      }
    }
  };

  const programOf = (pid: string): string => {
    try {
      return readlinkSync(`${proc}/${pid}/exe`);
    } catch {
      return '';
    }
  };

  return {
    of: (container) => byContainer.get(container)?.types ?? none,
    async update(containers) {
      const due = containers.filter((container) => {
        const known = byContainer.get(container);
        return known === undefined || known.unsettled || known.runs !== container.activity.runs;
      });
      const runs = due.map(({ activity }) => activity.runs);
      const pids = await pidsOf(due, mountPoint, read);
      const fresh: (readonly [string, Process, Known])[] = [];
      for (const [i, container] of due.entries()) {
        const before = byContainer.get(container)?.processes;
        const processes = new Map<string, Process>();
        const known = { runs: runs[i]!, processes, types: none, unsettled: false };
        for (const pid of pids[i] ?? []) {
          const process = before?.get(pid) ?? { type: undefined, language: undefined, sinceMs: nowMs() };
          processes.set(pid, process);
          if (nowMs() - process.sinceMs < settledMs) fresh.push([pid, process, known]);
        }
        byContainer.set(container, known);
      }
      await readTypes(fresh);
      for (const container of due) {
        const known = byContainer.get(container)!;
        known.types = typesOf(known);
        known.unsettled = [...known.processes.values()].some(({ sinceMs }) => nowMs() - sinceMs < settledMs);
      }
    },
  };
}

function typesOf({ processes }: Known): ReadonlySet<string> {
  const types = [...processes.values()].flatMap(({ type, language }) => [type, language]);
  return new Set(types.filter((type) => type !== undefined));
}
