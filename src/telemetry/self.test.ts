import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogue } from '../catalogue/index.ts';
import { agentMetrics, featureMetrics, pipelineMetrics, processMetrics } from '../catalogue/agent.ts';
import type { MetricSpec } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import { AgentError, unsupported } from '../errors.ts';
import { Features } from '../features.ts';
import { SnapshotMeter } from './meter.ts';
import { pipelineCollector, type PipelineSources } from './pipeline.ts';
import { toText } from './prometheus.ts';
import { register, type CollectionFigures } from './register.ts';
import { agentCollector, featureCollector, processCollector } from './self.ts';

/** Sample lines of one collection as `name{labels}` to value. */
async function samples(meter: SnapshotMeter): Promise<Record<string, number>> {
  const text = (await toText((await meter.collect()).metrics)).toString();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(/\S+$/.exec(line))]),
  );
}

test('the version and both causes of scrape errors are there from the start', async () => {
  const meter = new SnapshotMeter();
  const figures = { gatheringErrors: 2, encodingErrors: 0 };
  let known: typeof figures | undefined = undefined;
  register(
    meter,
    agentCollector(meter, '1.2.3', () => known),
    new Map(),
  );
  const name = 'promhttp_metric_handler_errors_total';
  const expected = { 'node_agent_info{version="1.2.3"}': 1, [`${name}{cause="gathering"}`]: 0 };
  assert.deepEqual(await samples(meter), { ...expected, [`${name}{cause="encoding"}`]: 0 });
  known = figures;
  assert.equal((await samples(meter))[`${name}{cause="gathering"}`], 2);
});

test('own CPU and memory agree with what the kernel says', async () => {
  const meter = new SnapshotMeter();
  register(meter, processCollector(meter), new Map());
  const before = process.resourceUsage();
  const seen = await samples(meter);
  const after = process.resourceUsage();
  const cpu = seen['node_agent_cpu_seconds_total{mode="user"}']!;
  assert.ok(cpu >= before.userCPUTime / 1e6 && cpu <= after.userCPUTime / 1e6);
  const ratio = seen['node_agent_memory_rss_bytes']! / process.memoryUsage().rss;
  assert.ok(ratio > 0.5 && ratio < 2, `${ratio}`);
});

test('features show their state and reason, and change', async () => {
  const meter = new SnapshotMeter();
  const features = new Features();
  register(meter, featureCollector(meter, features), new Map());
  features.set('tcp', true);
  features.set('cgroup_events', false, 'no_capability');
  assert.deepEqual(await samples(meter), {
    'node_agent_feature_enabled{feature="tcp",reason=""}': 1,
    'node_agent_feature_enabled{feature="cgroup_events",reason="no_capability"}': 0,
  });
  features.set('tcp', false, 'denied');
  assert.equal((await samples(meter))['node_agent_feature_enabled{feature="tcp",reason="denied"}'], 0);
});

test('a collector is timed and its errors counted; hooks hear changes only', async () => {
  const meter = new SnapshotMeter();
  const figures = new Map<string, CollectionFigures>();
  const heard: string[] = [];
  let problem: Error | undefined;
  const gauge = meter.createObservableGauge('g');
  const collector: Collector = {
    name: 'disk',
    instruments: [gauge],
    collect(result) {
      result.observe(gauge, 1);
      if (problem !== undefined) throw problem;
    },
  };
  register(meter, collector, figures, {
    onFailing: (name, error) => heard.push(`${name} failing: ${(error as Error).message}`),
    onRecovered: (name) => heard.push(`${name} recovered`),
    onUnsupported: (name) => heard.push(`${name} unsupported`),
  });
  const rounds = async (count: number) => {
    let seen = {};
    for (let i = 0; i < count; i++) seen = await samples(meter);
    return seen;
  };
  assert.deepEqual(await rounds(2), { g: 1 });
  problem = new AgentError('EIO', 'bad disk');
  assert.deepEqual(await rounds(3), {}, 'absent, not stale');
  assert.equal(figures.get('disk')?.errors, 3);
  problem = undefined;
  assert.deepEqual(await rounds(2), { g: 1 });
  assert.ok(figures.get('disk')!.durationMs! >= 0);
  problem = unsupported('gone');
  await rounds(1);
  problem = undefined;
  assert.deepEqual(await rounds(2), {}, 'never asked again');
  assert.equal(figures.size, 0);
  assert.deepEqual(heard, ['disk failing: bad disk', 'disk recovered', 'disk unsupported']);
});

test('the pipeline describes the snapshot before', async () => {
  const meter = new SnapshotMeter();
  const collections = new Map<string, CollectionFigures>();
  let gapMs: number | undefined = undefined;
  const sources: PipelineSources = {
    collections,
    meter: () => meter.figures,
    gapMs: () => gapMs,
    exports: () => ({ ok: 3, failed: 1 }),
    scrapes: () => ({ ok: 5, failed: 2, refused: 7, gatheringErrors: 0, encodingErrors: 0 }),
    logLinesDropped: () => 9,
  };
  register(meter, pipelineCollector(meter, sources), collections);
  const first = await samples(meter);
  assert.equal('node_agent_series' in first, false);
  gapMs = 1500;
  const second = await samples(meter);
  assert.equal(second['node_agent_series'], Object.keys(first).length);
  assert.equal(second['node_agent_snapshot_age_seconds'], 1.5);
  assert.ok(second['node_agent_collection_duration_seconds{collector="pipeline"}']! >= 0);
  assert.equal(second['node_agent_collection_errors_total{collector="pipeline"}'], 0);
  assert.equal(second['node_agent_exports_total{result="failed"}'], 1);
  assert.equal(second['node_agent_scrapes_total{result="refused"}'], 7);
  assert.equal(second['node_agent_log_lines_dropped_total'], 9);
  assert.equal(second['node_agent_refused_series_total'], 0);
});

test('the families are those of the catalogue, labels included', async () => {
  const meter = new SnapshotMeter();
  const collections = new Map<string, CollectionFigures>();
  const features = new Features();
  features.set('tcp', true);
  const scrapes = () => ({ ok: 0, failed: 0, refused: 0, gatheringErrors: 0, encodingErrors: 0 });
  const exports = () => ({ ok: 0, failed: 0 });
  const sources = {
    collections,
    meter: () => meter.figures,
    gapMs: () => 1,
    scrapes,
    exports,
    logLinesDropped: () => 0,
  };
  const collectors = [
    pipelineCollector(meter, sources),
    agentCollector(meter, '1', scrapes),
    processCollector(meter),
    featureCollector(meter, features),
  ];
  for (const collector of collectors) register(meter, collector, collections);
  await meter.collect();
  const { metrics } = await meter.collect();
  const tables: readonly Record<string, MetricSpec>[] = [
    agentMetrics,
    pipelineMetrics,
    processMetrics,
    featureMetrics,
  ];
  const declared = tables.flatMap((table) => Object.values(table).map((spec) => spec.name));
  const expected = declared.filter((name) => name !== 'up').sort();
  assert.deepEqual(
    metrics.map((metric) => metric.descriptor.name),
    expected,
  );
  for (const { descriptor, dataPoints } of metrics) {
    for (const { attributes } of dataPoints) {
      assert.deepEqual(Object.keys(attributes), [...catalogue.get(descriptor.name)!.labels].sort());
    }
  }
});
