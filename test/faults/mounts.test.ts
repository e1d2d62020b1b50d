import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { folder, until } from '../peers/peer.ts';
import { agentUnder, endsWell, sumOf } from './agent.ts';
import { full, readOnly, skipMounts, skipSlow, slow, type Faulty } from './mounts.ts';

function sh({ within }: Faulty, script: string): { status: number | null; stdout: string; stderr: string } {
  const [command, args] = within('sh', ['-c', script]);
  return spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 10_000,
    env: { ...process.env, LC_ALL: 'C' },
  });
}

test('full: nothing can be written, and only there', { skip: skipMounts }, async (t) => {
  const directory = await folder(t);
  const faulty = await full(t, directory);
  assert.match(sh(faulty, `cp /proc/cpuinfo ${directory}/file`).stderr, /No space left on device/);
  assert.equal(spawnSync('touch', [`${directory}/file`]).status, 0);
});

test('read-only: nothing can be written', { skip: skipMounts }, async (t) => {
  const directory = await folder(t);
  const faulty = await readOnly(t);
  assert.match(sh(faulty, `echo x >${directory}/file`).stderr, /Read-only file system/);
});

test('slow: the same contents, later', { skip: skipSlow }, async (t) => {
  const faulty = await slow(t, '/proc/cpuinfo', 300);
  const beganMs = performance.now();
  const { stdout } = sh(faulty, 'cat /proc/cpuinfo');
  assert.match(stdout, /^processor\s*: 0$/m);
  assert.ok(performance.now() - beganMs >= 300);
});

test('dead: no answer, until it is alive again', { skip: skipSlow }, async (t) => {
  const faulty = await slow(t, '/proc/cpuinfo', 0);
  faulty.die();
  assert.equal(sh(faulty, 'timeout -s KILL 0.3 cat /proc/cpuinfo').stdout, '');
  faulty.revive();
  assert.notEqual(sh(faulty, 'cat /proc/cpuinfo').stdout, '');
});

for (const [name, fault] of [
  ['a full', (t: TestContext, directory: string) => full(t, directory)],
  ['a read-only', (t: TestContext) => readOnly(t)],
] as const) {
  test(`the agent works on ${name} file system`, { skip: skipMounts }, async (t) => {
    const directory = await folder(t);
    const faulty = await fault(t, directory);
    const agent = await agentUnder(t, faulty.within, { env: { TMPDIR: directory, HOME: directory } });
    assert.equal(sumOf(await agent.series(), 'node_agent_collection_errors_total'), 0);
    await endsWell(agent);
  });
}

test('a log that cannot be written does not end the agent', { skip: skipMounts }, async (t) => {
  const directory = await folder(t);
  const faulty = await full(t, directory);
  const agent = await agentUnder(t, (command, args) =>
    faulty.within('sh', ['-c', `exec "$@" 2>>${directory}/filler`, 'sh', command, ...args]),
  );
  assert.ok(sumOf(await agent.series(), 'node_uptime_seconds') > 0);
  assert.equal(agent.log(), '');
  await endsWell(agent);
});

test('slow files cost their own time only', { skip: skipSlow }, async (t) => {
  const faulty = await slow(t, '/proc/uptime', 300);
  const agent = await agentUnder(t, faulty.within);
  const late = (seconds: number): boolean => seconds >= 0.3;
  await agent.shows('node_agent_collection_duration_seconds', 'collector="node_uptime"', late);
  const series = await agent.series();
  assert.ok(sumOf(series, 'node_uptime_seconds') > 0);
  assert.equal(sumOf(series, 'node_agent_collection_errors_total'), 0);
  await endsWell(agent);
});

test('a dead file takes its own series, is told once, and comes back', { skip: skipSlow }, async (t) => {
  const faulty = await slow(t, '/proc/uptime', 0);
  const agent = await agentUnder(t, faulty.within);
  const uptime = async (): Promise<number> => sumOf(await agent.series(), 'node_uptime_seconds');
  assert.ok((await uptime()) > 0);
  faulty.die();
  const errors = 'node_agent_collection_errors_total';
  const own = 'collector="node_uptime"';
  await agent.shows(errors, own, (count) => count >= 2);
  const series = await agent.series();
  assert.equal(sumOf(series, errors), sumOf(series, errors, own), 'no other collector fails');
  assert.ok(sumOf(series, 'node_resources_memory_total_bytes') > 0);
  assert.ok(![...series.keys()].some((key) => key.startsWith('node_uptime_seconds')), 'absent, not stale');
  assert.equal(agent.lines('collector fails'), 1, agent.log());
  faulty.revive();
  await until('uptime', async () => (await uptime()) > 0 || undefined);
  assert.equal(agent.lines('collector works again'), 1, agent.log());
  await endsWell(agent);
});
