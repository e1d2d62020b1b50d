/** Why connects fail, and SYNs that are sent again, against what the programs that made them saw. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { failureReasons } from '../../src/tcp/reading.ts';
import { compileC } from '../compile.ts';
import { counted, forEachSource, makeCgroup, skip, startCounting, type Cgroup } from './machine.ts';

const deafPort = '21780';
const closedPort = '21781';

let program = '';
let cgroup: Cgroup;
let deaf: ChildProcess;

before(async () => {
  if (skip !== false) return;
  program = compileC(join(import.meta.dirname, 'failures.c'));
  cgroup = makeCgroup(`/system.slice/failures-${process.pid}.service`);
  deaf = spawn(program, ['deaf', deafPort], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(deaf.stdout!, 'data');
});

after(() => {
  deaf?.kill('SIGKILL');
  cgroup?.remove();
});

/** A network namespace behind a router that knows no way to 10.9.9.9; `"$@"` is run in it. */
const behindRouter = `
  unshare --net sleep 100 & router=$!
  trap 'kill $router' EXIT
  until [ "$(readlink /proc/$router/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
  ip link add c0 type veth peer name r0 netns $router
  ip address add 10.8.8.1/24 dev c0
  ip link set c0 up
  ip route add default via 10.8.8.2
  nsenter --net=/proc/$router/ns/net sh -ec '
    ip address add 10.8.8.2/24 dev r0
    ip link set r0 up
    echo 1 > /proc/sys/net/ipv4/ip_forward'
  "$@"`;

/** A network namespace that has two ports for its own connections; `"$@"` is run in it. */
const withTwoPorts = `
  echo 40000 40001 > /proc/sys/net/ipv4/ip_local_port_range
  ip link set lo up
  ip address add 10.8.9.1/24 dev lo
  "$@"`;

async function fails(how: string, address: string, port: string, count: number): Promise<number> {
  const command = [program, '-c', cgroup.directory, how, address, port, String(count)];
  const script = { unreachable: behindRouter, 'no-port': withTwoPorts }[how];
  const [file = '', ...args] =
    script === undefined ? command : ['unshare', '--net', 'bash', '-ec', script, 'sh', ...command];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [made, sentAgain] = (await text(child.stdout)).trim().split(' ').map(Number);
  assert.equal(made, count, how);
  return sentAgain!;
}

const withoutRouter =
  spawnSync('unshare', ['--net', 'bash', '-ec', behindRouter, 'sh', 'true'], { stdio: 'ignore' }).status === 0
    ? false
    : 'needs ip and veth';

forEachSource((source, lack) => {
  test('each failed connect under its reason', { skip: lack }, async (t) => {
    const counting = await startCounting({ source });
    try {
      const again = await Promise.all([
        fails('cancelled', '127.0.0.1', deafPort, 20),
        fails('given-up', '127.0.0.1', deafPort, 15),
        fails('timeout', '127.0.0.1', deafPort, 2),
        fails('refused', '127.0.0.1', closedPort, 50),
      ]);
      const found = await counted(counting, [cgroup.id]);
      const reasons = (key: string): Record<string, number> =>
        Object.fromEntries(failureReasons.map((reason, at) => [reason, found.get(key)?.failed[at] ?? 0]));
      assert.deepEqual(reasons(`${cgroup.id} 127.0.0.1:${deafPort}`), {
        refused: 0,
        timeout: 17,
        unreachable: 0,
        cancelled: 20,
        no_port: 0,
      });
      assert.equal(found.get(`${cgroup.id} 127.0.0.1:${closedPort}`)?.failed[0], 50);
      const sum = again.reduce((all, one) => all + one, 0);
      assert.ok(sum >= 15, `${sum} SYNs were sent again`);
      assert.equal(found.get(`${cgroup.id} 127.0.0.1:${deafPort}`)?.synRetransmits, sum);

      if (withoutRouter) return t.diagnostic(`unreachable: ${withoutRouter}`);
      await fails('unreachable', '10.9.9.9', '80', 3);
      const unreachable = (await counted(counting, [cgroup.id])).get(`${cgroup.id} 10.9.9.9:80`);
      assert.deepEqual(unreachable?.failed, [0, 0, 3, 0, 0]);

      await fails('no-port', '10.8.9.1', '80', 30);
      const withoutPort = (await counted(counting, [cgroup.id])).get(`${cgroup.id} 10.8.9.1:80`);
      assert.deepEqual(withoutPort?.failed, [0, 0, 0, 0, 30]);
      assert.equal(withoutPort.successful, 2);
    } finally {
      counting.close();
    }
  });
});
