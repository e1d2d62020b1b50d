/** A node under the kernel of this machine: Debian with its own mounts, network and cgroups, gone with the process that started it. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export const checkout = join(import.meta.dirname, '../../../..');
const script = (name: string): string => join(import.meta.dirname, name);
const run = promisify(execFile);

/** A command of the node may take this long: the machine may be busy. */
const commandMs = 60_000;
const pollMs = 50;

/** A sentence when nodes cannot run here. */
export const skip: string | false = whySkip();

function whySkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/etc/debian_version')) return 'needs Debian';
  if (!existsSync('/sys/fs/cgroup/unified')) return 'needs hybrid cgroups';
  return false;
}

export interface Node {
  /** Part of the path of every cgroup of this node. */
  readonly name: string;
  /** Process that holds the namespaces: process 1 of the node. */
  readonly pid: number;
  /** The node sees its own part of the cgroup trees as the whole. */
  readonly ownCgroups: boolean;
  /** Runs a command inside to its end; answers its standard output. Rejects with what it wrote to standard error. */
  exec(command: string, ...args: readonly string[]): Promise<string>;
  /** Starts a program inside. Its output goes to `/var/log/<program>.log` there. */
  daemon(command: string, ...args: readonly string[]): ChildProcess;
  /** Starts a program in all namespaces but that of pids, with the node's process 1 at /proc/1: as hostPID does. */
  beside(command: string, ...args: readonly string[]): ChildProcess;
  /** The end of what daemons wrote, for whoever has to find out why something failed. */
  logs(): Promise<string>;
  /** Where the test finds a file of the node. */
  path(inside: string): string;
  /** Ends all processes, and answers when processes, mounts and cgroups are gone. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a node. With `init` that program is process 1 of pid and cgroup namespaces, else they are the machine's. `folders`
 * of the machine are there, too, at their own paths, read-only.
 */
export async function startNode(init?: readonly string[], folders: readonly string[] = []): Promise<Node> {
  const { stdout: tree } = await run(join(checkout, 'test/nodes/root.sh'));
  const shown = [checkout, ...folders].join(':');
  const command = [script('mounts.sh'), tree.trim(), shown, ...(init ?? ['sleep', 'infinity'])];
  // A session of its own: Ctrl-C ends the test, and the supervisor cleans up.
  const supervisor = spawn(script('supervise.sh'), [...(init === undefined ? [] : ['-p']), ...command], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const complaints: string[] = [];
  supervisor.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
  const ended = new Promise<number | null>((resolve) => supervisor.once('exit', resolve));

  const said = new Map<string, string>();
  for await (const line of createInterface(supervisor.stdout)) {
    const [word = '', value = ''] = line.split(' ');
    said.set(word, value);
    if (word === 'init') break;
  }
  const stop = async (): Promise<void> => {
    supervisor.stdin.end();
    if ((await ended) !== 0) throw new Error(`node: ${complaints.join('')}`);
  };
  const [name, pid] = [said.get('node'), Number(said.get('init'))];
  if (name === undefined || !(pid > 0)) {
    await stop().catch(() => {});
    throw new Error(`node: did not start: ${complaints.join('')}`);
  }

  const enter = [name, 'nsenter', '--target', String(pid), '--mount', '--uts', '--ipc', '--net', '--cgroup'];
  const inside = [...enter, '--pid', '--wdns=/'];
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  return {
    name,
    pid,
    ownCgroups: init !== undefined,
    async exec(...words) {
      const options = { env, timeout: commandMs, maxBuffer: 64 << 20 };
      const command = run(script('enter.sh'), [...inside, ...words], options);
      command.child.stdin?.end();
      return (await command).stdout;
    },
    daemon(program, ...args) {
      const words = ['sh', '-c', 'exec "$@" >/var/log/$(basename "$1").log 2>&1', 'sh', program, ...args];
      return spawn(script('enter.sh'), [...inside, ...words], { env, stdio: 'ignore' });
    },
    beside(program, ...args) {
      const mounts = 'mount -t proc proc /proc && mount --bind /proc/$0 /proc/1 && exec "$@"';
      const words = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mounts, String(pid)];
      return spawn(script('enter.sh'), [...enter, '--wdns=/', ...words, program, ...args], {
        env,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
    },
    logs: async () => (await run('sh', ['-c', `tail -n 20 /proc/${pid}/root/var/log/*.log`])).stdout,
    path: (file) => `/proc/${pid}/root${file}`,
    stop,
  };
}

/** Asks until there is an answer that is not undefined. Rejects after `patienceMs`, with the last reason. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  patienceMs = 30_000,
): Promise<T> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    let reason: unknown;
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      reason = error;
    }
    if (performance.now() > deadlineMs) throw new Error(`waited in vain: ${what}`, { cause: reason });
    await sleep(pollMs);
  }
}
