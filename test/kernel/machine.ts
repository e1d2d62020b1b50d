/** What the tests on the real kernel share: why they skip, cgroups of their own, the load generator, our programs. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { Features } from '../../src/features.ts';
import type { HostPaths } from '../../src/host/paths.ts';
import { findCgroup2Root } from '../../src/kernel/cgroup2-root.ts';
import { findHierarchy, type Hierarchy } from '../../src/kernel/hierarchy.ts';
import { tcpSources, type TcpSourceName } from '../../src/kernel/tcp-sources.ts';
import { startTcp, type TcpOptions } from '../../src/kernel/tcp.ts';
import type { TcpProgram } from '../../src/kernel/tcp-program.ts';
import type { Addon } from '../../src/native/addon.ts';
import { compileC } from '../compile.ts';
import { refusesWalks } from '../walks.ts';
import {
  addTotals,
  decodeKey,
  entriesOf,
  failures,
  noTotals,
  type TcpTotals,
} from '../../src/tcp/reading.ts';

const root = join(import.meta.dirname, '../..');
const addonFile = join(root, 'dist/addon.node');

export const paths: HostPaths = { proc: '/proc', sys: '/sys', root: '', cgroup: '/sys/fs/cgroup' };
export const cgroup2Root: string | undefined = findCgroup2Root(paths);
export const hierarchy: Hierarchy = findHierarchy(paths, cgroup2Root);

/** A sentence when these tests cannot run here. */
export const skip: string | false = whySkip();

function whySkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/sys/kernel/btf/vmlinux')) return 'needs a kernel with BTF';
  if (cgroup2Root === undefined) return 'needs the root of the cgroup v2 tree';
  if (!existsSync(addonFile) || !existsSync(join(root, 'dist/tcp_sockops.bpf.o')))
    return 'needs the addon and the eBPF objects';
  return false;
}

export function addon(): Addon {
  return createRequire(import.meta.url)(addonFile) as Addon;
}

export function bpfObject(name: string): Uint8Array {
  return readFileSync(join(root, 'dist', `${name}.bpf.o`));
}

/** Whether the running kernel is of this release or a later one. */
export function atLeast(major: number, minor: number): boolean {
  const [ours = 0, its = 0] = release().split('.').map(Number);
  return ours > major || (ours === major && its >= minor);
}

/** The same for what needs the walks over sockets and what is open. */
export const skipWalks: string | false = skip || refusesWalks;

/** The same tests for every way of counting, with the reason to skip them; `walks`: whether they need the walks. */
export function forEachSource(
  tests: (source: TcpSourceName, skip: string | false) => void,
  walks = true,
): void {
  for (const { name } of tcpSources) {
    describe(`by ${name}`, () => tests(name, (walks ? skipWalks : skip) || lackOf(name)));
  }
}

/** The reason why this kernel cannot count so, or false. */
function lackOf(source: TcpSourceName): string | false {
  if (source !== 'tp_btf') return false;
  if (!atLeast(5, 12)) return 'needs socket storage in tracing programs (Linux 5.12)';
  return atLeast(7, 0) && 'needs a kernel that can walk over socket storage (Linux before 7.0)';
}

/** Starts counting by sockops with everything counted, unless `options` say otherwise. */
export async function startCounting(options: Partial<TcpOptions> = {}): Promise<TcpProgram> {
  const failures: string[] = [];
  const features = new Features((feature, { enabled, reason }, detail) => {
    if ((!enabled || reason !== '') && reason !== 'not_wanted')
      failures.push(`${feature}: ${reason}: ${detail}`);
  });
  const all = {
    cgroup2Root,
    hierarchy,
    hostNetnsInode: 0,
    ignoredPorts: new Uint8Array(8192),
    source: 'sockops' as const,
    walks: refusesWalks === false,
    ...options,
  };
  const readObject = async (name: string): Promise<Uint8Array> => bpfObject(name);
  const program = await startTcp(addon(), readObject, all, paths, features);
  if (program === undefined || failures.length > 0) throw new Error(failures.join('\n'));
  return program;
}

/** Of connections in one direction with one destination, or own address. */
export interface Counted extends TcpTotals {
  /** For whatever reason. */
  allFailed: number;
  active: number;
}

/**
 * What the kernel counted, by `<cgroup id> <destination>`, or `<cgroup id> <own address` of what came in, for the given
 * cgroups only: the machine has other work.
 */
export async function counted(
  program: Pick<TcpProgram, 'read'>,
  cgroupIds: readonly number[],
): Promise<Map<string, Counted>> {
  const found = new Map<string, Counted>();
  for (const { key, counts } of entriesOf(await program.read())) {
    const { cgroupId, inbound, destination } = decodeKey(key);
    if (!cgroupIds.includes(cgroupId)) continue;
    const name = `${cgroupId} ${inbound ? '<' : ''}${destination}`;
    const sum = found.get(name) ?? { ...noTotals(), allFailed: 0, active: 0 };
    addTotals(sum, counts.totals);
    sum.allFailed += failures(counts.totals);
    sum.active += counts.active;
    found.set(name, sum);
  }
  return found;
}

export interface Cgroup {
  readonly directory: string;
  /** From the root of the hierarchy. */
  readonly path: string;
  readonly id: number;
  remove(): void;
}

/** Makes a cgroup, missing parents included, on the hierarchy that counts. */
export function makeCgroup(path: string): Cgroup {
  const directory = hierarchy.mountPoint + path;
  mkdirSync(directory, { recursive: true });
  return { directory, path, id: statSync(directory).ino, remove: () => removeCgroup(directory) };
}

/** Parents go too when they are empty. A directory is busy for a moment after its last process. */
function removeCgroup(directory: string): void {
  for (let attempt = 0; attempt < 100 && existsSync(directory); attempt++) {
    try {
      rmdirSync(directory);
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
  try {
    rmdirSync(dirname(directory));
  } catch {
    return;
  }
}

/** Waits until `condition` holds; throws after the deadline. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await sleep(20);
  }
}

export interface LoadResult {
  readonly established: number;
  readonly refused: number;
  readonly other: number;
}

export interface Load {
  /** Runs the load generator (see load.c) to its end. */
  run(...args: readonly string[]): Promise<LoadResult>;
  /** Starts it and waits for its first line. */
  start(...args: readonly string[]): Promise<ChildProcess>;
  /** The same, each started by a command that comes before it, such as nsenter. */
  inside(command: readonly string[]): Pick<Load, 'run' | 'start'>;
  /** Ends what is still running. */
  close(): void;
}

/** Compiles the load generator. */
export function compileLoad(): Load {
  const file = compileC(join(import.meta.dirname, 'load.c'));
  const running = new Set<ChildProcess>();
  const launch = (command: readonly string[]): ChildProcess => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  };
  const inside = (before: readonly string[]): Pick<Load, 'run' | 'start'> => ({
    run: async (...args) => {
      const child = launch([...before, file, ...args]);
      const line = child.stdout === null ? '' : await text(child.stdout);
      const [established, refused, other] = line.trim().split(' ').map(Number);
      if (established === undefined || refused === undefined || other === undefined)
        throw new Error(`load ${args.join(' ')} failed`);
      return { established, refused, other };
    },
    start: async (...args) => {
      const child = launch([...before, file, ...args]);
      await new Promise((resolve, reject) => {
        child.stdout?.once('data', resolve);
        child.once('exit', () => reject(new Error(`load ${args.join(' ')} failed`)));
      });
      return child;
    },
  });
  return {
    ...inside([]),
    inside,
    close: () => {
      for (const child of running) child.kill('SIGKILL');
    },
  };
}

/** What a test file has for itself: the load generator, serving on `port`, and a cgroup. They go after its last test. */
export interface Own {
  readonly load: Load;
  readonly cgroup: Cgroup;
}

/** Makes them before the first test of the file; where its tests skip, nothing is made. */
export function ownLoad(name: string, port: string): Own {
  const own: { load?: Load; cgroup?: Cgroup } = {};
  before(async () => {
    if (skip !== false) return;
    own.load = compileLoad();
    own.cgroup = makeCgroup(`/system.slice/${name}-${process.pid}.service`);
    await own.load.start('serve', port);
  });
  after(() => {
    own.load?.close();
    own.cgroup?.remove();
  });
  return own as Own;
}
