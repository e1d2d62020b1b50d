/** File systems that fail, in a mount namespace of their own: nobody else sees them, and they end with it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { compileC, withoutC } from '../compile.ts';

const slowSource = join(import.meta.dirname, 'slow.c');

/** The reason to skip tests with mounts, or false. */
export const skipMounts: string | false = process.getuid?.() === 0 ? false : 'needs root to mount';
/** The reason to skip tests with a slow or dead file, or false. */
export const skipSlow: string | false =
  skipMounts || (!existsSync('/dev/fuse') && 'needs /dev/fuse') || withoutC(slowSource);

export interface Faulty {
  /** The command line that runs `command` where the fault is seen. */
  within(command: string, args: readonly string[]): [command: string, args: string[]];
}

/** Runs `setup` (sh) in a mount namespace of its own, kept until the test ends. The last command must go on and print a line. */
async function mounts(t: TestContext, setup: string): Promise<Faulty & { pid: number }> {
  const child = spawn('unshare', ['--mount', 'sh', '-ec', setup], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await new Promise<void>((ready, failed) => {
    child.stdout.once('data', () => ready());
    child.once('exit', (code) => failed(new Error(`ended with ${code}: ${setup}`)));
  });
  const pid = child.pid!;
  return {
    pid,
    within: (command, args) => ['nsenter', [`--mount=/proc/${pid}/ns/mnt`, '--wdns=/', command, ...args]],
  };
}

/** `directory` is a file system without a free byte: writing fails with ENOSPC. */
export function full(t: TestContext, directory: string): Promise<Faulty> {
  return mounts(
    t,
    `mount -t tmpfs -o size=64k full '${directory}'
    head -c 65536 /dev/zero >'${directory}/filler'
    echo full; exec sleep infinity`,
  );
}

/** Everything that is mounted, but kernel file systems, can only be read: writing fails with EROFS. */
export function readOnly(t: TestContext): Promise<Faulty> {
  return mounts(
    t,
    `while read -r _ at type _; do
      case $type in proc | sysfs | devtmpfs | devpts | cgroup* | mqueue | bpf) ;;
      *) mount -o remount,bind,ro "$at" 2>/dev/null || true ;;
      esac
    done </proc/self/mounts
    echo read-only; exec sleep infinity`,
  );
}

export interface SlowFile extends Faulty {
  /** Nothing is answered from here on: whoever reads hangs, uninterruptible once the request is under way. */
  die(): void;
  revive(): void;
}

/** `path` has the contents it had before, and every read takes `delayMs`. Kernel files may be chosen. */
export async function slow(t: TestContext, path: string, delayMs: number): Promise<SlowFile> {
  const { pid, within } = await mounts(t, `exec '${compileC(slowSource)}' '${path}' '${path}' ${delayMs}`);
  return { within, die: () => process.kill(pid, 'SIGSTOP'), revive: () => process.kill(pid, 'SIGCONT') };
}
