/** What a node shows as a real one does: pods with their logs, services with their journal. And what is left of it: nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { startNode } from '../nodes/runtimes/base/node.ts';
import { traces } from '../nodes/runtimes/base/traces.ts';
import { skip, startRuntime, until } from '../nodes/runtimes/runtime.ts';

const sayAndStay = (text: string): readonly string[] => ['/bin/sh', '-c', `echo ${text}; exec sleep 1000`];

test('a pod has its cgroup, its memory limit and its log where Kubernetes puts them', { skip }, async (t) => {
  const node = await startRuntime(t, 'containerd');
  const pod = await node.run({ name: 'web', command: sayAndStay('hello'), memoryLimitBytes: 64 << 20 });
  const cgroup = pod.cgroup ?? '';
  const uid = /\/pod([^/]+)/.exec(cgroup)?.[1] ?? '';
  const log = `/var/log/pods/shop_web-0_${uid}/web/0.log`;
  const line = await until('the log', async () => (await readFile(node.path(log), 'utf8')) || undefined);
  assert.match(line, /^\S+ stdout F hello\n$/);

  assert.match(cgroup, /\/kubepods\/burstable\/pod[-0-9a-f]{36}\/[0-9a-f]{64}$/);
  const limit = readFileSync(`/sys/fs/cgroup/memory${cgroup}/memory.limit_in_bytes`, 'utf8');
  assert.equal(limit, `${64 << 20}\n`);
});

test('a service is below system.slice, and the journal has its line', { skip }, async (t) => {
  const node = await startRuntime(t, 'systemd');
  const service = await node.run({ name: 'web', command: sayAndStay('hello') });
  assert.equal(await until('the journal', async () => (await service.output()) || undefined), 'hello\n');
  const pid = (await node.exec('cat', '/sys/fs/cgroup/memory/system.slice/web.service/cgroup.procs')).trim();
  assert.equal(await node.exec('cat', `/proc/${pid}/comm`), 'sleep\n');
});

test('the agent sees the node through its process 1', { skip }, async (t) => {
  const node = await startRuntime(t, 'systemd');
  const agent = await node.startAgent();
  const page = await agent.page();
  assert.match(page, /node_agent_feature_enabled\{[^}]*feature="host_view",[^}]*reason=""[^}]*\} 1/);
  assert.match(page, /node_info\{[^}]*hostname="node"/);
  assert.equal(await agent.end(), 0);
});

for (const name of ['docker', 'systemd']) {
  test(`${name}: nothing is left after the end, and two at once are apart`, { skip }, async (t) => {
    const [first, second] = await Promise.all([startRuntime(t, name), startRuntime(t, name)]);
    await Promise.all([first, second].map((node) => node.run({ name: 'web', command: sayAndStay('hello') })));
    assert.notEqual(first.name, second.name);
    assert.notDeepEqual(traces(first.name), []);
    // Or nobody would see one that is left.
    assert.match(await first.exec('cat', '/proc/mounts'), new RegExp(`^${first.name} / overlay`, 'm'));
    await first.stop();
    assert.deepEqual(traces(first.name), []);
    assert.notDeepEqual(traces(second.name), []);
    await second.stop();
    assert.deepEqual(traces(second.name), []);
  });
}

/** A process that starts a node with docker and a container, and waits. */
const victim = `
  import { startNode } from '${join(import.meta.dirname, '../nodes/runtimes/base/node.ts')}';
  import { runtime } from '${join(import.meta.dirname, '../nodes/runtimes/docker.ts')}';
  const node = await startNode();
  await runtime.start(node);
  await runtime.run(node, { name: 'web', command: ['sleep', '1000'] });
  console.log(node.name);
  setInterval(() => {}, 1000);
`;

for (const supervisorToo of [false, true]) {
  const what = supervisorToo ? 'and its supervisor are' : 'is';
  test(`nothing is left when the test ${what} killed`, { skip }, async (t) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', victim], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const [name] = (await once(createInterface(child.stdout), 'line')) as [string];
    assert.ok(traces(name).length > 5);
    // The name tells the pid of the supervisor.
    if (supervisorToo) process.kill(Number(name.split('-')[1]), 'SIGKILL');
    child.kill('SIGKILL');
    await once(child, 'exit');
    if (supervisorToo) {
      assert.notDeepEqual(traces(name), []);
      const next = await startNode();
      t.after(() => next.stop());
    }
    await until('nothing is left', async () => (traces(name).length === 0 ? true : undefined));
  });
}
