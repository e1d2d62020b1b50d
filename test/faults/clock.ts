import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { folder } from '../peers/peer.ts';

export interface SteppedClock {
  /** What node has to be started with, in front of the script. */
  readonly node: readonly string[];
  readonly env: Record<string, string>;
  /** Wall time is off by `ms` from here on, against what it was at first; monotonic time goes on as it was. */
  step(ms: number): void;
}

/** The wall clock of one process as JavaScript reads it, to be stepped while it runs: what settimeofday(2) does to a machine. */
export async function steppedClock(t: TestContext): Promise<SteppedClock> {
  const offset = join(await folder(t), 'offset');
  const step = (ms: number): void => writeFileSync(offset, String(ms));
  step(0);
  const preload = join(import.meta.dirname, 'clock-preload.ts');
  return { node: ['--import', preload], env: { FAULT_CLOCK_OFFSET: offset }, step };
}

/** The wall clock of this machine. It is put back after the test. */
export function machineClock(t: TestContext): SteppedClock {
  const off = Date.now() - performance.now();
  const step = (ms: number): void =>
    void execFileSync('date', ['--set', `@${((off + performance.now() + ms) / 1000).toFixed(3)}`]);
  t.after(() => step(0));
  return { node: [], env: {}, step };
}

/** Stands still for `ms` with everything it has open, as a machine that is suspended; deadlines pass meanwhile. */
export async function suspend(pid: number, ms: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  try {
    await sleep(ms);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}
