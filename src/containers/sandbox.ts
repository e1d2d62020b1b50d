import { setTimeout as sleep } from 'node:timers/promises';
import type { TextReader } from '../host/texts.ts';

/** A sandbox needs a moment until its process is there. */
const looksMs = [0, 1000, 5000];
/** The cgroup of a pod itself has one process, where it has any. */
const maxProcesses = 8;

/** The id of the sandbox that a process of gVisor runs, by /proc/<pid>/cmdline (runsc: runsc/sandbox). Pure. */
export function sandboxIdOf(commandLine: string): string | undefined {
  const words = commandLine.replace(/\0$/, '').split('\0');
  const id = words.at(-1) ?? '';
  return /(?:^|\/)runsc(?:-sandbox)?$/.test(words[0] ?? '') && /^[0-9a-z]{64}$/.test(id) ? id : undefined;
}

/** Finds the sandbox of gVisor in the cgroup of a pod: all containers of the pod are one process, outside of any cgroup of their own. */
export function sandboxFinder(deps: {
  mountPoint: string;
  proc: string;
  read: TextReader;
}): (path: string) => Promise<string | undefined> {
  const { mountPoint, proc, read } = deps;
  return async (path) => {
    for (const ms of looksMs) {
      if (ms > 0) await sleep(ms, undefined, { ref: false });
      const [pids = ''] = await read([`${mountPoint}${path}/cgroup.procs`]);
      const files = pids.split('\n', maxProcesses).filter(Boolean);
      for (const line of await read(files.map((pid) => `${proc}/${pid}/cmdline`))) {
        const id = sandboxIdOf(line ?? '');
        if (id !== undefined) return id;
      }
    }
    return undefined;
  };
}
