import { constants } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { compileC, withoutC } from '../compile.ts';
import { start, type Running } from '../peers/peer.ts';

const source = join(import.meta.dirname, 'deny.c');

/** The reason to skip tests that deny, or false. */
export const skipDeny: string | false = withoutC(source);

export interface Denied {
  /** Those that deny.c knows: `bpf`, `perf_event_open`, ...; `bpf:5` only with 5 as its first argument. */
  readonly syscalls: readonly string[];
  readonly errno: keyof typeof constants.errno;
}

/** The command line that runs `command` with the system calls refused. */
export function denying({ syscalls, errno }: Denied, command: string, args: readonly string[]): string[] {
  return [compileC(source), String(constants.errno[errno]), syscalls.join(), command, ...args];
}

/** Starts `command` with the system calls refused (seccomp(2)), ended after the test whatever happens. */
export function deny(
  t: TestContext,
  denied: Denied,
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Running {
  const [launcher, ...line] = denying(denied, command, args) as [string, ...string[]];
  return start(t, launcher, line, env);
}
