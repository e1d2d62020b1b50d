/** What has to hold when a clock is stepped under the agent. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { onlyVirtual } from '../nodes/virtual.ts';
import { until } from '../peers/peer.ts';
import { agentUnder, direct, endsWell, sumOf } from './agent.ts';
import type { SteppedClock } from './clock.ts';
import { faultyCollector } from './collector.ts';

const hourMs = 3_600_000;

export const steps = [
  ['forwards', hourMs],
  ['backwards', -hourMs],
] as const;

/** An export is given up after an interval: on an emulated machine a shorter one is too short for some. */
const [interval, exports] = onlyVirtual === false ? (['5s', 2] as const) : (['500ms', 8] as const);

export const holds = 'exports go on, no series ends, no point is before its start';

/** Starts an agent under that clock, steps it and asserts what `holds` says. */
export async function assertHolds(t: TestContext, clock: SteppedClock, ms: number): Promise<void> {
  const collector = await faultyCollector(t, 'accepts');
  const agent = await agentUnder(t, direct, {
    node: clock.node,
    env: { ...clock.env, OTEL_METRICS_EXPORTER: 'otlp,prometheus' },
    args: ['--collector-endpoint', collector.endpoint, '--scrape-interval', interval],
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
  await until('exports after the step', () => collector.requests.length >= atStep + exports || undefined);
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
