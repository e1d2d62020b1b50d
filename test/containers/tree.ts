/** A cgroup in every hierarchy that has a controller we read, under one path, with work in it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findControllers } from '../../src/kernel/controllers.ts';
import { compileC } from '../compile.ts';
import { cgroup2Root, hierarchy, paths } from '../kernel/machine.ts';

export const controllers = findControllers(paths, hierarchy, cgroup2Root);

/** Their mount points, each once. */
export const mountPoints = [...new Set([...Object.values(controllers.v1), controllers.v2])].filter(
  (mountPoint): mountPoint is string => mountPoint !== undefined,
);

/** Options with which every place is a container that is shown at once. */
export const everybody = ['--min-container-age', '0s', '--skip-systemd-system-services=false'];

/** Work that is done, by a process that stays. */
export interface Work {
  readonly pid: number;
  readonly cpuNs: number;
  /** What its tasks have waited for. */
  readonly runDelayNs: number;
  readonly diskTicks: number;
  /** What it had waited for a CPU before it came into the cgroup, and when it was there. */
  readonly earlierDelayNs: readonly [number, number];
  /** Answers the nanoseconds of CPU that it used from first to last, without and with its coming. */
  end(): Promise<readonly [number, number]>;
}

export interface Place {
  /** From the root of each hierarchy. */
  readonly path: string;
  /** Where the files of a controller are: those of v1, or all of v2. */
  directory(controller: 'cpu' | 'cpuacct' | 'memory' | 'blkio' | 'v2'): string;
  /** Runs work.c inside; answers what it used and waited for. It stays until `end`. */
  work(...args: readonly string[]): Promise<Work>;
  /** The same by another program file. */
  workAs(program: string, ...args: readonly string[]): Promise<Work>;
  /** Runs another program inside to its end, which must be well. */
  ran(program: string, ...args: readonly string[]): Promise<void>;
  /** Runs work.c inside until the kernel kills it. */
  killed(...args: readonly string[]): Promise<void>;
  /** More memory than this cannot be had inside. */
  limitMemory(bytes: number): void;
  /**
   * A cgroup inside this one. With controllers of its own there must be no process in this one: on v2 processes are in the
   * leaves alone (cgroups(7)).
   */
  inside(name: string, controllers?: 'with controllers'): Place;
  /** Ends its work and removes it. */
  remove(): Promise<void>;
}

/** `/system.slice/<name>`: a container of its own. On v2 the controllers are switched on for it. */
export function makePlace(name: string): Place {
  const place = makeAt(`/system.slice/${name}`, '/system.slice');
  after(async () => {
    await place.remove();
    // The slice too, where nobody else made it.
    for (const mountPoint of mountPoints) await rmdir(`${mountPoint}/system.slice`).catch(() => {});
  });
  return place;
}

/** `controlled`: the innermost cgroup above it that gives its controllers on. */
function makeAt(path: string, controlled: string): Place {
  const directories = mountPoints.map((mountPoint) => join(mountPoint, path));
  for (const directory of directories) mkdirSync(directory, { recursive: true });
  if (controllers.v2 !== undefined && hierarchy.version === 2) {
    for (let above = controlled; ; above = dirname(above)) {
      appendFileSync(join(controllers.v2, above, 'cgroup.subtree_control'), '+cpu +memory +io');
      if (above === '/') break;
    }
  }
  const into = directories.flatMap((directory) => ['-c', directory]);
  const running = new Set<ChildProcess>();
  const children: Place[] = [];
  const place: Place = {
    path,
    directory: (controller) =>
      join(
        controller === 'v2' || hierarchy.version === 2 ? controllers.v2! : controllers.v1[controller]!,
        path,
      ),
    work: (...args) => place.workAs(workProgram(), ...args),
    async workAs(program, ...args) {
      const child = spawn(program, [...into, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
      running.add(child);
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
      const line = async (): Promise<number[]> => {
        const { value } = await lines.next();
        if (value === undefined) throw new Error(`work ${args.join(' ')} failed`);
        return value.split(' ').map(Number);
      };
      const [cpuNs = NaN, runDelayNs = NaN, diskTicks = NaN, outside = NaN, inside = NaN] = await line();
      return {
        ...{ pid: child.pid!, cpuNs, runDelayNs, diskTicks, earlierDelayNs: [outside, inside] },
        async end() {
          running.delete(child);
          child.stdin.end();
          const [least = NaN, most = NaN] = await line();
          return [least, most];
        },
      };
    },
    async ran(program, ...args) {
      const child = spawn(program, [...into, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
      running.add(child);
      const [code] = (await once(child, 'exit')) as [number | null];
      running.delete(child);
      if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
    },
    async killed(...args) {
      const child = spawn(workProgram(), [...into, ...args], { stdio: ['pipe', 'ignore', 'inherit'] });
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
      if (signal !== 'SIGKILL') throw new Error(`work ${args.join(' ')} was not killed`);
    },
    limitMemory(bytes) {
      const directory = place.directory('memory');
      writeFileSync(
        join(directory, hierarchy.version === 2 ? 'memory.max' : 'memory.limit_in_bytes'),
        String(bytes),
      );
      // Where swap is accounted for, none of it either.
      for (const [file, value] of [
        ['memory.swap.max', '0'],
        ['memory.memsw.limit_in_bytes', String(bytes)],
      ] as const)
        if (existsSync(join(directory, file))) writeFileSync(join(directory, file), value);
    },
    inside(name, own) {
      const child = makeAt(`${path}/${name}`, own === undefined ? controlled : path);
      children.push(child);
      return child;
    },
    async remove() {
      await Promise.all(children.map((child) => child.remove()));
      for (const child of running) child.kill('SIGKILL');
      for (const directory of directories) {
        for (let attempt = 0; existsSync(directory) && attempt < 100; attempt++) {
          try {
            rmdirSync(directory);
          } catch {
            await sleep(10);
          }
        }
      }
    },
  };
  return place;
}

/** work.c, compiled. */
export function workProgram(): string {
  return compileC(join(import.meta.dirname, 'work.c'));
}

/** A kernel file, or undefined. */
export function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
