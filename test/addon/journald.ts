/** A journald of our own, in a mount namespace where /run and the journals are its own. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { newDirectory } from './journals.ts';
import { skip as skipRoot, start, stop, until } from './fixture.ts';

const journald = '/lib/systemd/systemd-journald';

export const skipJournald =
  skipRoot || (existsSync(journald) ? false : 'needs systemd-journald, of the package systemd');

export interface Journald {
  /** The root directory that it sees. */
  readonly root: string;
  /** Sends lines as a unit's standard output would: each with its priority. */
  log(lines: readonly { priority: number; text: string }[]): Promise<void>;
  rotate(): void;
  /** Moves the journal from /run to /var. */
  flush(): void;
  stop(): Promise<void>;
}

export async function startJournald(): Promise<Journald> {
  const journals = newDirectory();
  mkdirSync('/var/log/journal', { recursive: true });
  const child = await start('unshare', [
    '--mount',
    'sh',
    '-c',
    `mount --bind "$1" /var/log/journal && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal &&
     echo ready && exec ${journald}`,
    'sh',
    journals,
  ]);
  const root = `/proc/${child.pid}/root`;
  await until(() => existsSync(join(root, 'run/systemd/journal/stdout')));
  const inside = ['--mount', `--target=${child.pid}`];
  return {
    root,
    log: async (lines) => {
      const cat = spawn('nsenter', [...inside, 'systemd-cat', '-t', 'journald-test', 'cat'], {
        stdio: ['pipe', 'ignore', 'inherit'],
      });
      cat.stdin.end(lines.map(({ priority, text }) => `<${priority}>${text}\n`).join(''));
      const [code] = (await once(cat, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`systemd-cat ended with ${code}`);
    },
    rotate: () => void child.kill('SIGUSR2'),
    flush: () => void child.kill('SIGUSR1'),
    stop: () => stop(child),
  };
}
