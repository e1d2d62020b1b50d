/** What goes between the moment it is found and the moment it is read. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';

/**
 * Runs `act` as soon as `path` has been found: after stat(2) or opendir(3) of it is done, before whoever asked hears of it.
 * Once, for callers of node:fs/promises in this process.
 */
export function onceFound(
  t: TestContext,
  call: 'stat' | 'opendir' | 'readFile',
  path: string,
  act: () => Promise<void> | void,
): void {
  const real = promises[call] as (...args: unknown[]) => Promise<unknown>;
  let due = true;
  const spied = async (...args: unknown[]): Promise<unknown> => {
    const answer = await real(...args);
    if (due && args[0] === path) {
      due = false;
      await act();
    }
    return answer;
  };
  t.mock.method(promises, call, spied as never);
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

export interface Mortal {
  readonly pid: number;
  /** Killed and waited for: /proc/<pid> is gone. */
  die(): Promise<void>;
}

/** A process that does nothing until it dies, after the test at the latest. */
export function mortal(t: TestContext): Mortal {
  const child = spawn('sleep', ['infinity'], { stdio: 'ignore' });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const die = (): Promise<void> => {
    child.kill('SIGKILL');
    return ended;
  };
  t.after(die);
  return { pid: child.pid!, die };
}

/** A directory of a cgroup below `parent`; `vanish` removes it, as does the end of the test. */
export function mortalCgroup(t: TestContext, parent: string): { directory: string; vanish(): void } {
  const directory = `${parent}/mortal-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  mkdirSync(directory);
  let there = true;
  const vanish = (): void => {
    if (there) rmdirSync(directory);
    there = false;
  };
  t.after(vanish);
  return { directory, vanish };
}
