/** Starts test/kernel/listeners.c in cgroups of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after } from 'node:test';
import { compileC } from '../compile.ts';
import { makeCgroup, type Cgroup } from './machine.ts';

/** Loopback, link-local and other addresses, and an interface that is down. */
export const ownNetwork = `ip link set lo up
ip addr add 10.9.8.7/24 dev lo
ip addr add 169.254.9.9/16 dev lo
ip -6 addr add fd00:9::7/64 dev lo nodad
ip link add down0 type bridge 2>/dev/null && ip addr add 10.9.9.9/24 dev down0`;

/** A process that listens. */
export interface Listeners {
  readonly pid: number;
  readonly cgroup: Cgroup;
  /** Sends a line, and waits until it is done. */
  say(line: string): Promise<void>;
  end(): Promise<void>;
}

const running = new Set<Listeners>();
after(async () => {
  for (const each of running) await each.end();
});

/** Starts test/kernel/listeners.c; `setUp`: in a network namespace of its own, after these commands of the shell. */
export async function listen(name: string, where: readonly string[], setUp?: string): Promise<Listeners> {
  const program = compileC(join(import.meta.dirname, 'listeners.c'));
  const cgroup = makeCgroup(`/system.slice/listens-${process.pid}-${name}.service`);
  const args = [cgroup.directory, ...where];
  const stdio = ['pipe', 'pipe', 'inherit'] as const;
  const child: ChildProcess =
    setUp === undefined
      ? spawn(program, args, { stdio: [...stdio] })
      : spawn('unshare', ['-n', 'sh', '-c', `${setUp}\nexec "$0" "$@"`, program, ...args], {
          stdio: [...stdio],
        });
  const ended = once(child, 'exit');
  const answer = async (): Promise<void> => {
    await Promise.race([
      once(child.stdout!, 'data'),
      ended.then(() => {
        throw new Error('listeners: ended');
      }),
    ]);
  };
  const listeners: Listeners = {
    pid: child.pid!,
    cgroup,
    say: async (line) => {
      child.stdin!.write(`${line}\n`);
      await answer();
    },
    end: async () => {
      running.delete(listeners);
      child.kill('SIGKILL');
      await ended;
      cgroup.remove();
    },
  };
  running.add(listeners);
  await answer();
  return listeners;
}
