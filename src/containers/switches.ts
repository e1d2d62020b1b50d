import { setImmediate } from 'node:timers/promises';
import type { TextReader } from '../host/texts.ts';
import type { Switch } from '../model/containers.ts';
import type { Member } from './member.ts';

/** Variables of a container's processes; one whose value has the word in it switches something off. */
const variables: Readonly<Record<string, Switch>> = {
  COROOT_LOG_MONITORING: 'logs',
  COROOT_EBPF_TRACES: 'traces',
  COROOT_EBPF_PROFILING: 'profiles',
};
const off = 'disabled';

/** What the text of /proc/<pid>/environ switches off (proc_pid_environ(5)). Pure. */
export function switchedOffBy(environ: string): ReadonlySet<Switch> {
  const found = new Set<Switch>();
  for (const line of environ.split('\0')) {
    const end = line.indexOf('=');
    const name = Object.hasOwn(variables, line.slice(0, end)) ? variables[line.slice(0, end)] : undefined;
    if (name !== undefined && line.includes(off, end)) found.add(name);
  }
  return found;
}

/** A process has the environment of whoever starts it, until it becomes what it is: the last look counts. */
const defaultLooksMs = [0, 1000, 10_000];
/** Cgroups of a container that are looked through for its first process. */
const maxCgroups = 8;
/** Containers that are looked at in one go. */
const atOnce = 256;

export interface SwitchReader {
  /** Looks at the first process of a container that has started, now and a little later. */
  look(container: Member): void;
  close(): void;
}

/** `read` answers the beginning of files, which is enough of an environment. */
export function switchReader(deps: {
  mountPoint: string;
  proc: string;
  read: TextReader;
  looksMs?: readonly number[];
}): SwitchReader {
  const { mountPoint, proc, read, looksMs = defaultLooksMs } = deps;
  /** One look at a time for each container. */
  const waiting = new Map<Member, NodeJS.Timeout>();
  const due: Member[] = [];
  let looking: Promise<void> | undefined;

  const pidsOf = async (containers: readonly Member[]): Promise<(string | undefined)[]> => {
    const files = containers.map(({ topCgroups, cgroups }) =>
      [...topCgroups.slice(0, maxCgroups), ...cgroups]
        .slice(0, maxCgroups)
        .map(({ path }) => `${mountPoint}${path}/cgroup.procs`),
    );
    const texts = (await read(files.flat())).values();
    return files.map((own) => {
      const all = own.map(() => texts.next().value ?? '').join('\n');
      return /^[1-9]\d*$/m.exec(all)?.[0];
    });
  };

  const lookAt = async (containers: readonly Member[]): Promise<void> => {
    const pids = await pidsOf(containers);
    const environs = await read(pids.map((pid) => `${proc}/${pid ?? 'none'}/environ`));
    for (const [i, container] of containers.entries())
      // Empty: a kernel thread, or one that is just becoming another program.
      if (environs[i]) container.switchOff(switchedOffBy(environs[i]));
  };

  const lookAtDue = async (): Promise<void> => {
    // All whose time has come, in one go.
    await setImmediate();
    // Without rights nothing is switched off.
    while (due.length > 0) await lookAt(due.splice(0, atOnce)).catch(() => {});
    looking = undefined;
  };

  const wait = (container: Member, left: readonly number[]): void => {
    const [ms, ...later] = left;
    clearTimeout(waiting.get(container));
    waiting.delete(container);
    if (ms === undefined) return;
    const onTime = (): void => {
      due.push(container);
      looking ??= lookAtDue();
      wait(container, later);
    };
    waiting.set(container, setTimeout(onTime, ms).unref());
  };

  return {
    look: (container) => wait(container, looksMs),
    close() {
      waiting.forEach((timer) => clearTimeout(timer));
      waiting.clear();
      due.length = 0;
    },
  };
}
