import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { until } from '../peers/peer.ts';
import { agentUnder, direct, endsWell, sumOf } from './agent.ts';
import { steppedClock, suspend } from './clock.ts';
import { faultyCollector } from './collector.ts';
import { assertHolds, holds, steps } from './stepping.ts';

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
  for (const [, ms] of steps) {
    clock.step(ms);
    const [now, constructed, monotonic, given] = ask() as [number, number, number, number];
    for (const wall of [now, constructed]) assert.ok(Math.abs(wall - Date.now() - ms) < 60_000);
    assert.ok(monotonic < 60_000);
    assert.equal(given, 5);
  }
});

for (const [what, ms] of steps)
  test(`the clock is stepped ${what}: ${holds}`, async (t) => assertHolds(t, await steppedClock(t), ms));

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
