import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { AgentError } from '../../errors.ts';
import { unitAsker } from './asker.ts';
import { isBackground, noFacts, type UnitFacts } from './facts.ts';

test('what runs once, for the bus or by a clock is background', () => {
  const of = (type: string, triggeredBy = ''): boolean => isBackground({ type, triggeredBy });
  assert.deepEqual([of('oneshot'), of('dbus'), of('simple', 'a.timer')], [true, true, true]);
  assert.deepEqual([of('simple'), of('notify', 'a.socket'), of('', 'timer')], [false, false, false]);
});

/** Answers of an asker to many at once, and what was said of systemd. */
async function askMany(
  t: TestContext,
  askSystemdFor: (units: readonly string[]) => Promise<UnitFacts[]>,
  count: number,
): Promise<{ facts: UnitFacts[]; states: string[] }> {
  const states: string[] = [];
  const asker = unitAsker({
    askSystemd: askSystemdFor,
    lookUp: () => Promise.resolve({ type: 'by file', triggeredBy: '' }),
    onState: (name, failure) => states.push(`${name} ${failure === undefined ? 'works' : 'fails'}`),
    restMs: 50,
  });
  t.after(() => asker.close());
  const facts = await Promise.all(Array.from({ length: count }, (_, i) => asker.ask(`${i}.service`)));
  await asker.idle();
  return { facts, states };
}

test('many are asked for in few conversations', async (t) => {
  let conversations = 0;
  const { facts, states } = await askMany(
    t,
    async (units) => (conversations++, units.map((type) => ({ type, triggeredBy: '' }))),
    200,
  );
  assert.deepEqual(
    facts.map(({ type }) => type),
    Array.from({ length: 200 }, (_, i) => `${i}.service`),
  );
  assert.deepEqual(states, []);
  assert.ok(conversations <= 5, `${conversations}`);
});

test('a manager that fails is told once and left in peace; files tell instead', async (t) => {
  let conversations = 0;
  const fail = async (): Promise<never> => {
    conversations++;
    throw new AgentError('EPROTO', 'no');
  };
  const { facts, states } = await askMany(t, fail, 500);
  assert.deepEqual(
    [new Set(facts.map(({ type }) => type)), states],
    [new Set(['by file']), ['systemd fails']],
  );
  assert.ok(conversations <= 2, `${conversations}`);
});

test('where no systemd is, nobody says so', async (t) => {
  const { facts, states } = await askMany(t, () => Promise.reject(new AgentError('ENOENT', 'no socket')), 3);
  assert.deepEqual([facts[0]?.type, states], ['by file', []]);
});

test('nobody waits longer than two seconds', async (t) => {
  const keepAlive = setInterval(() => {}, 1000);
  t.after(() => clearInterval(keepAlive));
  const asker = unitAsker({
    askSystemd: () => new Promise(() => {}),
    lookUp: () => Promise.resolve(noFacts),
    onState: () => {},
  });
  assert.deepEqual(await asker.ask('a.service'), noFacts);
  asker.close();
});
