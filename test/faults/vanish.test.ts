import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { processesOf, walkCgroups } from '../../src/containers/walk.ts';
import { findCgroup2Root } from '../../src/kernel/cgroup2-root.ts';
import { agentUnder, endsWell, sumOf } from './agent.ts';
import { mortal, mortalCgroup, onceFound } from './vanish.ts';

const root = findCgroup2Root({ proc: '/proc', sys: '/sys', root: '', cgroup: '/sys/fs/cgroup' });
const skip = process.getuid?.() !== 0 ? 'needs root' : root === undefined && 'needs the cgroup v2 tree';

test('a mortal process is there, then not', async (t) => {
  const { pid, die } = mortal(t);
  const file = `/proc/${pid}/stat`;
  onceFound(t, 'stat', file, die);
  await stat(file);
  await assert.rejects(readFile(file), { code: 'ENOENT' });
});

test('a process that dies after its cgroup named it does not count, and the others do', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vanish-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [dying, living] = [mortal(t), mortal(t)];
  const procs = join(folder, 'cgroup.procs');
  writeFileSync(procs, `${living.pid}\n`);
  const { startMs: wanted } = await processesOf(folder, '/proc');
  assert.ok(wanted !== undefined);
  writeFileSync(procs, `${dying.pid}\n${living.pid}\n`);
  onceFound(t, 'readFile', procs, dying.die);
  assert.equal((await processesOf(folder, '/proc')).startMs, wanted);
  assert.equal(existsSync(`/proc/${dying.pid}`), false, 'it died between the two');
});

for (const call of ['stat', 'opendir'] as const) {
  test(`a cgroup that vanishes after ${call} is no error`, { skip }, async (t) => {
    const parent = mortalCgroup(t, root!);
    const child = mortalCgroup(t, parent.directory);
    t.after(parent.vanish);
    onceFound(t, call, child.directory, child.vanish);
    const errors: unknown[] = [];
    const found: string[] = [];
    for await (const { path } of walkCgroups(parent.directory, 100, (error) => errors.push(error)))
      found.push(path);
    assert.deepEqual(errors, []);
    assert.equal(found[0], '/');
    assert.equal(existsSync(child.directory), false, 'it vanished meanwhile');
    child.vanish();
  });
}

test('cgroups and processes that come and go do not trouble the agent', { skip }, async (t) => {
  const parent = mortalCgroup(t, root!);
  t.after(() => {
    for (const name of existsSync(parent.directory) ? readdirSync(parent.directory) : [])
      if (name.startsWith('c')) spawnSync('rmdir', [join(parent.directory, name)]);
  });
  const agent = await agentUnder(t, (command, args) => [command, args]);
  const script = `cd '${parent.directory}'; for i in $(seq 30); do
    mkdir "c$i"; (sh -c 'echo $$ >"$1/cgroup.procs"' sh "c$i"); rmdir "c$i" 2>/dev/null || echo "c$i"; done`;
  for (let round = 0; round < 2; round++) {
    const churn = once(spawn('sh', ['-c', script], { stdio: 'ignore' }), 'exit');
    const [series] = await Promise.all([agent.series(), churn]);
    assert.equal(sumOf(series, 'node_agent_collection_errors_total'), 0);
  }
  assert.equal(agent.lines('"level":"error"') + agent.lines('collector fails'), 0, agent.log());
  await endsWell(agent);
});
