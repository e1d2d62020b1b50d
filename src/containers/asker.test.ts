import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../errors.ts';
import { asker, type Named, type Unnamed } from './asker.ts';
import type { Inspect, Inspection } from './runtimes/inspection.ts';

const question: Unnamed = { runtimes: ['docker', 'containerd'], runtimeId: 'a1', inPod: false };
const web: Inspection = { name: 'web', labels: {}, image: 'nginx:1', environment: [] };
const missing: Inspect = () => Promise.reject(new AgentError('ENOENT', 'no socket'));

/** One answer to `question`, and what was said of runtimes meanwhile. */
async function ask(
  docker: Inspect,
  containerd: Inspect = missing,
): Promise<{ named: Named; states: string[] }> {
  const states: string[] = [];
  const runtimes = { docker, containerd, crio: missing, podman: missing };
  const onState = (runtime: string, failure: unknown): unknown =>
    states.push(failure === undefined ? `${runtime} works` : `${runtime} fails`);
  const names = asker({ runtimes, clock: { now: () => 0 }, onState });
  const keepAlive = setInterval(() => {}, 1000);
  const named = await new Promise<Named>((onNamed) =>
    names.ask(question, { wanted: () => true, onNamed, onNobody: () => states.push('nobody') }),
  );
  clearInterval(keepAlive);
  names.close();
  return { named, states };
}

test('the first runtime that knows the container names it', async () => {
  const { named, states } = await ask(() => Promise.resolve(web));
  assert.deepEqual(named, { id: '/docker/web', image: 'nginx:1' });
  assert.deepEqual(states, []);
  assert.equal((await ask(missing, () => Promise.resolve(web))).named.id, 'ignored');
});

test('a runtime that fails is told once, asked again, and told again when it works', async () => {
  let attempts = 0;
  const { named, states } = await ask(() => {
    attempts++;
    return attempts < 3 ? Promise.reject(new AgentError('EPROTO', 'no')) : Promise.resolve(web);
  });
  assert.equal(named.id, '/docker/web');
  assert.deepEqual([attempts, states], [3, ['docker fails', 'docker works']]);
});

test('where no runtime is, somebody says so, and the next one that comes is found', async () => {
  let attempts = 0;
  const { named, states } = await ask((...args) =>
    ++attempts < 2 ? missing(...args) : Promise.resolve(web),
  );
  assert.deepEqual([named.id, states], ['/docker/web', ['nobody']]);
});

test('who is not known yet is asked for again', async () => {
  const answers = [undefined, undefined, web];
  const { named } = await ask(() => Promise.resolve(answers.shift()));
  assert.equal(named.id, '/docker/web');
});

test('few are asked at once, nobody is asked for whom nobody waits', async () => {
  let [now, most, all] = [0, 0, 0];
  const slow: Inspect = async () => {
    most = Math.max(most, ++now);
    all++;
    await new Promise((resolve) => setTimeout(resolve, 5));
    now--;
    return web;
  };
  const runtimes = { docker: slow, containerd: slow, crio: slow, podman: slow };
  const names = asker({ runtimes, clock: { now: () => 0 }, onState: () => {} });
  let answered = 0;
  for (let i = 0; i < 50; i++)
    names.ask(question, { wanted: () => i % 2 === 0, onNamed: () => answered++, onNobody: () => {} });
  await names.askedOnce();
  assert.deepEqual([most <= 8, all, answered], [true, 25, 25]);
  await names.askedOnce();
});
