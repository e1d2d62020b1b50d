/** Containers that do nothing: cgroups below `/system.slice`, in every hierarchy with a controller that we read. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, rmdirSync } from 'node:fs';
import { mountPoints } from '../containers/tree.ts';

/** Nobody else's, should another benchmark run. */
export const prefix = `bench-${process.pid}-`;

const containers: string[][] = [];
const sleepers: ChildProcess[] = [];

/** Makes containers until there are so many; `asleep`: with a process in each. */
export function makeContainers(count: number, asleep: 'asleep' | 'empty'): void {
  while (containers.length < count) {
    const name = `${prefix}${containers.length}.service`;
    const directories = mountPoints.map((mountPoint) => `${mountPoint}/system.slice/${name}`);
    for (const directory of directories) mkdirSync(directory, { recursive: true });
    containers.push(directories);
    if (asleep === 'empty') continue;
    const sleeper = spawn('sleep', ['infinity'], { stdio: 'ignore' });
    sleepers.push(sleeper);
    for (const directory of directories) appendFileSync(`${directory}/cgroup.procs`, String(sleeper.pid));
  }
}

export async function removeContainers(): Promise<void> {
  await Promise.all(
    sleepers.splice(0).map(async (sleeper) => {
      const ended = once(sleeper, 'exit');
      sleeper.kill('SIGKILL');
      await ended;
    }),
  );
  for (const directory of containers.splice(0).flat()) rmdirSync(directory);
}
