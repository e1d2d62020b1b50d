import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { onlyVirtual } from '../nodes/virtual.ts';
import { until } from '../peers/peer.ts';
import { agentUnder, endsWell, sumOf } from './agent.ts';
import { machineClock, steppedClock, suspend, type SteppedClock } from './clock.ts';
import { faultyCollector } from './collector.ts';

const direct = (command: string, args: readonly string[]): [string, readonly string[]] => [command, args];
const hourMs = 3_600_000;

test('a stepped clock: wall time only', async (t) => {
  const clock = await steppedClock(t);
  const ask = (): number[] => {
    const script =
      'console.log(JSON.stringify([Date.now(), +new Date(), performance.now(), new Date(5).getTime()]))';
    const { stdout } = spawnSync(process.execPath, [...clock.node, '-e', script], {
      encoding: 'utf8',
      env: { ...process.env, ...clock.env },
    });
    return JSON.parse(stdout) as number[];
  };
  for (const ms of [-hourMs, hourMs]) {
    clock.step(ms);
    const [now, constructed, monotonic, given] = ask() as [number, number, number, number];
    for (const wall of [now, constructed]) assert.ok(Math.abs(wall - Date.now() - ms) < 60_000);
    assert.ok(monotonic < 60_000);
    assert.equal(given, 5);
  }
});

for (const [whose, skip, makeClock] of [
  ['the clock', false, steppedClock],
  ["the machine's clock", onlyVirtual, async (t: TestContext): Promise<SteppedClock> => machineClock(t)],
] as const)
  for (const [what, ms] of [
    ['forwards', hourMs],
    ['backwards', -hourMs],
  ] as const)
    test(
      `${whose} is stepped ${what}: exports go on, no series ends, no point is before its start`,
      { skip },
      async (t) => stepped(t, await makeClock(t), ms),
    );

async function stepped(t: TestContext, clock: SteppedClock, ms: number): Promise<void> {
  const collector = await faultyCollector(t, 'accepts');
  const agent = await agentUnder(t, direct, {
    node: clock.node,
    env: { ...clock.env, OTEL_METRICS_EXPORTER: 'otlp,prometheus' },
    args: ['--collector-endpoint', collector.endpoint, '--scrape-interval', '500ms'],
  });
  await until('exports', () => collector.requests.length >= 2 || undefined);
  // Figures about the agent itself begin one after the other.
  const names = (): string[] => {
    const all = collector.requests.at(-1)!.points.map(({ name }) => name);
    return [...new Set(all)].filter((name) => !name.startsWith('node_agent_'));
  };
  const before = names();
  const atStep = collector.requests.length;
  // On a slow machine the first export may have come too late.
  const failures = agent.lines('OTLP export fails');
  clock.step(ms);
  // The snapshot of the moment before the step may still be handed out.
  await until('exports after the step', () => collector.requests.length >= atStep + 8 || undefined);
  // Others may begin meanwhile.
  const after = new Set(names());
  assert.deepEqual(
    before.filter((name) => !after.has(name)),
    [],
  );
  for (const { points } of collector.requests)
    for (const { name, startNs, timeNs } of points)
      assert.ok(startNs <= timeNs, `${name}: ${startNs} > ${timeNs}`);
  const uptime = collector.requests.at(-1)!.points.find(({ name }) => name === 'node_uptime_seconds')!;
  const truth = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  assert.ok(Math.abs(uptime.value - truth) < 30);
  assert.equal(sumOf(await agent.series(), 'node_agent_collection_errors_total'), 0);
  assert.equal(agent.lines('OTLP export fails'), failures, agent.log());
  await endsWell(agent);
}

test('an agent that stood still goes on', async (t) => {
  const collector = await faultyCollector(t, 'accepts');
  const agent = await agentUnder(t, direct, {
    env: { OTEL_METRICS_EXPORTER: 'otlp,prometheus' },
    args: ['--collector-endpoint', collector.endpoint, '--scrape-interval', '200ms'],
  });
  await until('exports', () => collector.requests.length >= 2 || undefined);
  await suspend(agent.child.pid!, 3000);
  const seen = collector.requests.length;
  await until('exports', () => collector.requests.length >= seen + 3 || undefined);
  assert.ok(sumOf(await agent.series(), 'node_uptime_seconds') > 0);
  await endsWell(agent);
});
