/** What is left of a cluster when it has ended, by itself or by force: nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { until } from '../nodes/runtimes/base/node.ts';
import { traces } from '../nodes/runtimes/base/traces.ts';
import { skip, sysctls } from './cluster.ts';

/** A process that starts a cluster with two pods, and waits. */
const victim = `
  import { startCluster } from '${join(import.meta.dirname, 'cluster.ts')}';
  import { pod } from '${join(import.meta.dirname, 'objects.ts')}';
  const cluster = await startCluster();
  const main = { name: 'main', script: 'exec sleep 10000' };
  await cluster.kubectl('create', 'namespace', 'shop');
  await cluster.create(pod('first', main), pod('second', main));
  const ready = ['wait', '--for=condition=Ready', '--timeout=1s', '--namespace=shop', 'pod', '--all'];
  await cluster.until('two pods', () => cluster.kubectl(...ready), 50_000);
  console.log(cluster.name);
  setInterval(() => {}, 1000);
`;

const machine = (): string[] => Object.keys(sysctls).map((name) => readFileSync(`/proc/sys/${name}`, 'utf8'));

test(
  'nothing is left of a cluster when the test is killed, and the machine is as it was',
  { skip },
  async (t) => {
    const settings = machine();
    const child = spawn(process.execPath, ['--input-type=module', '--eval', victim], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    const said = once(createInterface(child.stdout), 'line') as Promise<[string]>;
    const [name] = await Promise.race([said, ended.then(() => [])]);
    assert.ok(name !== undefined, 'the cluster is there');
    // Six programs and containerd, for each of the pods a shim, a sandbox and a container.
    const processes = traces(name).filter((trace) => trace.startsWith('process'));
    assert.ok(processes.length >= 13, processes.join());
    child.kill('SIGKILL');
    await ended;
    await until('nothing is left', async () => (traces(name).length === 0 ? true : undefined));
    assert.deepEqual(machine(), settings);
  },
);
