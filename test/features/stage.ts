import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

export interface Stage {
  /** Shell commands that change mounts. */
  readonly mounts?: string;
  /** In which namespaces pid 1 is elsewhere than the agent: options of unshare(1). */
  readonly elsewhere?: readonly string[];
}

/**
 * The mounts of a node whose pid 1 may be looked at, gone after the test: a process of ours stands where pid 1 does.
 * Answers a command line that runs the rest of its line there, with these capabilities and no others.
 */
export async function stage(
  t: TestContext,
  capabilities: readonly string[],
  { mounts = '', elsewhere = [] }: Stage = {},
): Promise<string[]> {
  const script = `set -e\nmount --bind /proc/$$ /proc/1\n${mounts}\necho ready\nexec sleep 600`;
  const options = ['--mount', '--propagation=private', ...elsewhere, 'sh', '-c', script];
  const first = spawn('unshare', options, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => first.kill('SIGKILL'));
  const [said] = (await Promise.race([once(first.stdout, 'data'), once(first, 'exit')])) as unknown[];
  if (String(said) !== 'ready\n') throw new Error('the stage could not be set');
  const names = capabilities.map((name) => `+${name.replace('CAP_', '').toLowerCase()}`);
  const setpriv = ['setpriv', `--bounding-set=${['-all', ...names].join()}`, '--inh-caps=-all'];
  return ['nsenter', `--mount=/proc/${first.pid}/ns/mnt`, ...setpriv];
}
