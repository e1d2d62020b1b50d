import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Addon, BpfObject } from '../../src/native/addon.ts';
import { loadAddon } from '../../src/native/load.ts';
import { compileBpf as compile } from '../compile.ts';
import { refusesWalks } from '../walks.ts';

/** Why the tests that touch the kernel cannot run; false when they can. */
export const skip = process.getuid?.() === 0 ? false : 'only root may load BPF programs';

/** The same for programs that walk over a map. */
export const skipWalks: string | false = skip || refusesWalks;

/** The addon that is tested: `ADDON` chooses another build of it, such as the one with sanitizers. */
export const addonPath = process.env['ADDON'];
export const addon: Addon = loadAddon(addonPath);

/** What a process that loads the addon has to be started with; the others do without the sanitizers' runtime. */
export const addonEnvironment = { ...process.env };
delete process.env['LD_PRELOAD'];

/** A directory of this process that goes with it. */
export const scratch = mkdtempSync(join(tmpdir(), 'addon-test-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** The object of `<name>.bpf.c` of this directory. */
export function compileBpf(name: string): Buffer {
  return readFileSync(compile(join(import.meta.dirname, `${name}.bpf.c`)));
}

let probeElf: Buffer | undefined;

/** `probe.bpf.c`, not yet loaded. */
export function openProbe(): BpfObject {
  probeElf ??= compileBpf('probe');
  const probe = addon.openObject(probeElf, 'probe');
  if (skipWalks !== false) for (const walk of ['copy', 'send']) probe.setAutoload(walk, false);
  return probe;
}

/** Offsets of `counts` in `.bss` of `probe.bpf.c`. */
export const counts = {
  entered: 0,
  socketEvents: 8,
  sent: 16,
  refused: 24,
  addend: 32,
  messages: 40,
} as const;

export function count(probe: BpfObject, offset: number): number {
  return Number(probe.readGlobal('.bss', offset, 8).readBigUInt64LE());
}

export function int32(...values: number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

/** Fills `entries` of `probe.bpf.c`: {i, i + 1, i + 2} -> 3 i. Answers the entries as hexadecimal digits. */
export function fillEntries(probe: BpfObject, length: number): Set<string> {
  const written = new Set<string>();
  for (let i = 0; i < length; i++) {
    const [key, value] = [int32(i, i + 1, i + 2), int32(3 * i)];
    probe.update('entries', key, value);
    written.add(Buffer.concat([key, value]).toString('hex'));
  }
  return written;
}

/** Cuts a buffer into entries of the same length. */
export function* cut(contents: Buffer, entryBytes: number): Generator<string> {
  for (let at = 0; at < contents.length; at += entryBytes)
    yield contents.toString('hex', at, Math.min(at + entryBytes, contents.length));
}

/** Starts a command and waits for its first output. */
export async function start(command: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${command} ended with ${String(code)}`);
  });
  ended.catch(() => {});
  await Promise.race([once(child.stdout, 'data'), ended]);
  return child;
}

export async function stop(child: ChildProcess): Promise<void> {
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
  child.kill('SIGKILL');
  await ended;
}

/** Polls until `holds`; fails after `limitMs`. */
export async function until(holds: () => boolean, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not so after ${limitMs} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The root of cgroup v2, or what we see of it. */
export function cgroup2Mount(): string {
  const path = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/self/mounts', 'utf8'))?.[1];
  if (path === undefined) throw new Error('cgroup v2 is not mounted');
  return path;
}

export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

export function threads(): number {
  return readdirSync('/proc/self/task').length;
}

/** When a process started, as `statInside` wants it. */
export function startTicksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}
