import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { bundle, start, until } from '../peers/peer.ts';
import { agentUnder, direct, endsWell, sumOf } from './agent.ts';
import { faultyCollector } from './collector.ts';
import { denying, skipDeny } from './deny.ts';
import { memoryCgroup, outOfDescriptors, skipMemory } from './limits.ts';

const skipRoot = process.getuid?.() === 0 ? false : 'needs root';

test(
  'out of descriptors: told once for each collector, goes on, and recovers',
  { skip: skipRoot },
  async (t) => {
    const collector = await faultyCollector(t, 'accepts');
    const agent = await agentUnder(t, direct, {
      args: ['--collector-endpoint', collector.endpoint, '--scrape-interval', '200ms'],
      env: { OTEL_METRICS_EXPORTER: 'otlp,prometheus' },
    });
    await until('an export', () => collector.requests.length > 0 || undefined);
    const giveBack = outOfDescriptors(agent.child.pid!);
    // Nobody new can connect, so the push tells how it goes.
    const errors = (): number =>
      collector.requests
        .at(-1)!
        .points.filter(
          ({ name, labels }) =>
            name.endsWith('collection_errors_total') && labels['collector'] === 'node_uptime',
        )
        .reduce((sum, { value }) => sum + value, 0);
    await until('errors', () => errors() >= 2 || undefined);
    const points = collector.requests.at(-1)!.points;
    assert.ok(!points.some(({ name }) => name === 'node_uptime_seconds'), 'absent, not stale');
    const failures = agent.lines('collector fails');
    assert.match(agent.log(), /EMFILE/);
    assert.equal(agent.lines('"collector":"node_uptime"'), 1, agent.log());
    giveBack();
    await until(
      'uptime',
      () => collector.requests.at(-1)!.points.some(({ name }) => name === 'node_uptime_seconds') || undefined,
    );
    assert.ok(sumOf(await agent.series(), 'node_uptime_seconds') > 0);
    await until('the lines', () => agent.lines('collector works again') === failures || undefined);
    await endsWell(agent);
  },
);

for (const [what, denied, reason] of [
  ['bpf(2)', { syscalls: ['bpf'], errno: 'EPERM' }, /reason="(no_|denied)/],
  ['room for maps', { syscalls: ['bpf:0'], errno: 'ENOMEM' }, /reason="\w+"/],
  ['a program', { syscalls: ['bpf:5'], errno: 'EPERM' }, /reason="\w+"/],
] as const) {
  test(`without ${what} only what needs it goes`, { skip: skipRoot || skipDeny }, async (t) => {
    const agent = await agentUnder(t, (command, args) => {
      const [launcher, ...line] = denying(denied, command, args);
      return [launcher!, line];
    });
    const series = await agent.series();
    const tcp = [...series].filter(
      ([key]) => key.startsWith('node_agent_feature_enabled{') && key.includes('feature="tcp"'),
    );
    assert.equal(tcp.length, 1);
    assert.equal(tcp[0]![1], 0);
    assert.match(tcp[0]![0], reason);
    assert.ok(sumOf(series, 'node_resources_memory_total_bytes') > 0);
    assert.equal(sumOf(series, 'node_agent_collection_errors_total'), 0);
    assert.equal(agent.lines('"feature":"tcp"'), 1, agent.log());
    await endsWell(agent);
  });
}

test(
  'without memory of its own it is killed; with it the next one works',
  { skip: skipMemory },
  async (t) => {
    const cgroup = memoryCgroup(t, 16 << 20);
    const [command, args] = cgroup.within(process.execPath, [bundle, '--listen', '127.0.0.1:0']);
    const killed = start(t, command, args, { OTEL_METRICS_EXPORTER: 'prometheus' });
    const [, signal] = (await once(killed.child, 'exit')) as [number | null, string | null];
    assert.equal(signal, 'SIGKILL');
    assert.equal(killed.log().includes('metrics page'), false);
    cgroup.setLimit(256 << 20);
    const agent = await agentUnder(t, cgroup.within);
    assert.equal(sumOf(await agent.series(), 'node_agent_collection_errors_total'), 0);
    await endsWell(agent);
  },
);
