/** Processes that have too little: descriptors, memory. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

/** Takes the descriptors that `pid` does not use yet: open(2) fails with EMFILE. Answers how to give them back. */
export function outOfDescriptors(pid: number): () => void {
  const limitLine = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'));
  const used = readdirSync(`/proc/${pid}/fd`).map(Number);
  // The limit is on the number of a descriptor: gaps below it are taken too.
  let firstFree = 0;
  while (used.includes(firstFree)) firstFree++;
  setSoftLimit(pid, String(firstFree));
  return () => setSoftLimit(pid, limitLine?.[1] ?? '1024');
}

function setSoftLimit(pid: number, soft: string): void {
  execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${soft}:`]);
}

/** Mount point of the memory controller and the file with its limit, cgroup v1 or v2; undefined without it. */
const controller = [
  { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', has: 'memory.limit_in_bytes' },
  { root: '/sys/fs/cgroup', limit: 'memory.max', has: 'cgroup.controllers' },
].find(({ root, has }) => existsSync(`${root}/${has}`));

/** The reason to skip tests with a limit of memory, or false. */
export const skipMemory: string | false =
  process.getuid?.() !== 0
    ? 'needs root to make a cgroup'
    : controller === undefined && 'needs the memory controller of cgroups';

export interface MemoryCgroup {
  /** The command line that runs `command` inside. */
  within(command: string, args: readonly string[]): [command: string, args: string[]];
  setLimit(bytes: number): void;
}

/** A cgroup with `limitBytes` of memory and no swap to speak of, removed after the test with whatever runs in it. */
export function memoryCgroup(t: TestContext, limitBytes: number): MemoryCgroup {
  if (controller === undefined) throw new Error('no memory controller');
  const { root, limit } = controller;
  const directory = `${root}/faults-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  if (limit === 'memory.max') writeFileSync(`${root}/cgroup.subtree_control`, '+memory');
  mkdirSync(directory);
  t.after(async () => {
    for (let attempt = 0; attempt < 200; attempt++) {
      try {
        for (const pid of readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n').filter(Boolean))
          process.kill(Number(pid), 'SIGKILL');
        rmdirSync(directory);
        return;
      } catch {
        await sleep(20);
      }
    }
    throw new Error(`${directory} cannot be removed`);
  });
  const setLimit = (bytes: number): void => writeFileSync(`${directory}/${limit}`, String(bytes));
  setLimit(limitBytes);
  return {
    setLimit,
    within: (command, args) => [
      'sh',
      ['-c', `echo $$ >${directory}/cgroup.procs; exec "$@"`, 'sh', command, ...args],
    ],
  };
}
