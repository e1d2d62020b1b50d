import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../errors.ts';
import { asker, type Named, type Unnamed } from './asker.ts';
import type { Inspect, Inspection } from './runtimes/inspection.ts';

const question: Unnamed = {
  runtimes: ['docker', 'containerd'],
  runtimeId: 'a1',
  place: { kind: 'machine' },
};
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
  const names = asker({ runtimes, clock: { now: () => 0 }, onState, restMs: 50 });
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

test('where no runtime is, somebody says so, and one that comes later is found', async () => {
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

test('a runtime that heeds no signal costs its deadline, and then nobody waits for it', async () => {
  let asked = 0;
  const hanging: Inspect = () => (asked++, new Promise(() => {}));
  const { named, states } = await ask(hanging, () => Promise.resolve(web));
  assert.deepEqual([named.id, states, asked], ['ignored', ['docker fails'], 1]);
  const runtimes = { docker: hanging, containerd: missing, crio: missing, podman: missing };
  const names = asker({ runtimes, clock: { now: () => 0 }, onState: () => {} });
  asked = 0;
  const keepAlive = setInterval(() => {}, 1000);
  for (let i = 0; i < 100; i++)
    names.ask(question, { wanted: () => true, onNamed: () => assert.fail(), onNobody: () => assert.fail() });
  const beganMs = performance.now();
  await names.askedOnce();
  clearInterval(keepAlive);
  names.close();
  assert.ok(asked <= 8 && performance.now() - beganMs < 4000, `${asked} asked`);
});

test('as soon as a runtime is there again, all who wait for it are asked for', async () => {
  let works = false;
  let asked = 0;
  const docker: Inspect = (...args) => (asked++, works ? Promise.resolve(web) : missing(...args));
  const runtimes = { docker, containerd: missing, crio: missing, podman: missing };
  const names = asker({ runtimes, clock: { now: () => 0 }, onState: () => {}, restMs: 50 });
  const keepAlive = setInterval(() => {}, 1000);
  const all = Array.from(
    { length: 30 },
    () =>
      new Promise<Named>((onNamed) =>
        names.ask(question, { wanted: () => true, onNamed, onNobody: () => {} }),
      ),
  );
  await names.askedOnce();
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.ok(asked < 30, `${asked} asked of a runtime that is not there`);
  works = true;
  assert.deepEqual(new Set((await Promise.all(all)).map(({ id }) => id)), new Set(['/docker/web']));
  clearInterval(keepAlive);
  names.close();
});

test('runtimes of users are asked for by user, and rest apart from that of root', async () => {
  const users: (number | undefined)[] = [];
  const docker: Inspect = async (_, __, user) => {
    users.push(user);
    if (user === 7) throw new AgentError('EPROTO', 'no');
    return web;
  };
  const states: string[] = [];
  const names = asker({
    runtimes: { docker, containerd: missing, crio: missing, podman: missing },
    clock: { now: () => 0 },
    onState: (runtime, failure, ofUser) =>
      states.push(
        `${runtime} ${failure === undefined ? 'works' : 'fails'}${ofUser === true ? ', of a user' : ''}`,
      ),
  });
  const named: string[] = [];
  const of = (place: Unnamed['place']): void =>
    names.ask(
      { runtimes: ['docker'], runtimeId: 'a1', place },
      { wanted: () => true, onNamed: ({ id }) => named.push(id), onNobody: () => {} },
    );
  of({ kind: 'user', uid: 7 });
  await names.askedOnce();
  of({ kind: 'user', uid: 7 });
  of({ kind: 'user', uid: 8 });
  of({ kind: 'machine' });
  await names.askedOnce();
  names.close();
  assert.deepEqual(named.sort(), ['/docker/web', '/user/8/docker/web']);
  assert.deepEqual([users.sort(), states], [[7, 8, undefined], ['docker of user 7 fails, of a user']]);
});

test('users whose runtimes hang have two turns, and root waits for none of them', async () => {
  let hanging = 0;
  const docker: Inspect = (_, __, user) => {
    if (user === undefined) return Promise.resolve(web);
    hanging++;
    return new Promise(() => {});
  };
  const runtimes = { docker, containerd: missing, crio: missing, podman: missing };
  const names = asker({ runtimes, clock: { now: () => 0 }, onState: () => {} });
  const of = (place: Unnamed['place'], onNamed: () => void): void =>
    names.ask(
      { runtimes: ['docker'], runtimeId: 'a1', place },
      { wanted: () => true, onNamed, onNobody: () => {} },
    );
  for (let uid = 1000; uid < 1040; uid++) of({ kind: 'user', uid }, () => assert.fail());
  await Promise.all(
    Array.from({ length: 20 }, () => new Promise<void>((resolve) => of({ kind: 'machine' }, resolve))),
  );
  assert.equal(hanging, 2);
  names.close();
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
