import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../peers/peer.ts';
import { agentUnder, direct, endsWell, sumOf, type FaultyAgent } from './agent.ts';
import { faultyCollector, type Behaviour } from './collector.ts';

function pushing(
  t: Parameters<typeof agentUnder>[0],
  endpoint: string,
  interval = '200ms',
): Promise<FaultyAgent> {
  const args = ['--collector-endpoint', endpoint, '--scrape-interval', interval];
  const env = { OTEL_METRICS_EXPORTER: 'otlp,prometheus' };
  return agentUnder(t, direct, { args, env });
}

const failing: readonly Behaviour[] = [
  'UNAVAILABLE',
  'RESOURCE_EXHAUSTED',
  'UNAUTHENTICATED',
  'hangs',
  'closes',
];

for (const behaviour of failing) {
  test(`a Collector: ${behaviour}: told once, counted, and again when it works`, async (t) => {
    const collector = await faultyCollector(t, behaviour);
    const agent = await pushing(t, collector.endpoint);
    await agent.shows('node_agent_exports_total', 'result="failed"', (failed) => failed >= 2);
    assert.ok(collector.asked() > 0, 'the fault was met');
    assert.equal(collector.requests.length, 0);
    assert.equal(sumOf(await agent.series(), 'node_agent_collection_errors_total'), 0);
    assert.equal(agent.lines('OTLP export fails'), 1, agent.log());
    await collector.behave('accepts');
    await until('an export', () => collector.requests.length >= 2 || undefined);
    await until('the line', () => agent.lines('OTLP export works') === 1 || undefined);
    assert.ok(collector.requests.at(-1)!.points.some(({ name }) => name === 'node_uptime_seconds'));
    await endsWell(agent);
  });
}

test('a slow Collector gets everything within its time', async (t) => {
  const collector = await faultyCollector(t, 'slow');
  const agent = await pushing(t, collector.endpoint, '1500ms');
  await agent.shows('node_agent_exports_total', 'result="ok"', (ok) => ok >= 2);
  assert.equal(agent.lines('OTLP export fails'), 0, agent.log());
  assert.equal(sumOf(await agent.series(), 'node_agent_exports_total', 'result="failed"'), 0);
  await endsWell(agent);
});

test('a Collector that takes only a part is told of once', async (t) => {
  const collector = await faultyCollector(t, 'partial');
  const agent = await pushing(t, collector.endpoint);
  await until('exports', () => collector.requests.length >= 3 || undefined);
  await until('the line', () => agent.lines('full') > 0 || undefined);
  assert.equal(agent.lines('full'), 1, agent.log());
  await endsWell(agent);
});

test('a Collector that answers garbage does not end the agent', async (t) => {
  const collector = await faultyCollector(t, 'garbage');
  const agent = await pushing(t, collector.endpoint);
  await until('requests', () => collector.asked() >= 3 || undefined);
  await collector.behave('accepts');
  await until('an export', () => collector.requests.length >= 1 || undefined);
  await endsWell(agent);
});
