import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { makeCgroup } from '../kernel/machine.ts';

/** A shell in a cgroup of its own, which does what it is told. */
export interface Writer {
  /** The `container_id` that the agent gives it. */
  readonly id: string;
  /** Below /var/log; gone after the test. */
  readonly folder: string;
  /** Runs commands there; resolves when they have ended. */
  run(commands: string): Promise<void>;
  end(): Promise<void>;
}

let writers = 0;

export async function startWriter(t: TestContext, env: Record<string, string> = {}): Promise<Writer> {
  const id = `/system.slice/writer-${process.pid}-${writers++}.service`;
  const cgroup = makeCgroup(id);
  const folder = mkdtempSync('/var/log/writer-');
  const script = `echo $$ >${join(cgroup.directory, 'cgroup.procs')} && exec bash --norc`;
  const shell: ChildProcessWithoutNullStreams = spawn('bash', ['--norc', '-c', script], {
    cwd: folder,
    env: { PATH: process.env['PATH']!, ...env },
  });
  shell.stderr.pipe(process.stderr);
  const ended = once(shell, 'exit');
  const end = async (): Promise<void> => {
    shell.stdin.end();
    await ended;
  };
  t.after(async () => {
    await end();
    cgroup.remove();
    rmSync(folder, { recursive: true });
  });
  const run = async (commands: string): Promise<void> => {
    shell.stdin.write(`${commands}\necho done\n`);
    await once(shell.stdout, 'data');
  };
  await run(':');
  return { id, folder, run, end };
}
