import type { Attributes } from '@opentelemetry/api';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { emptyResource } from '@opentelemetry/resources';
import type { MetricData } from '@opentelemetry/sdk-metrics';
import { SnapshotMeter } from '../../src/telemetry/meter.ts';
import { toText } from '../../src/telemetry/prometheus.ts';

/**
 * Cost of 100,000 series: how long the event loop stands still in each step, and what stays behind when series come
 * and go. Judged is the CPU time the thread spent in its longest turn, the median of three runs: on a busy machine the
 * wall time beside it says more about the others. Run with --expose-gc.
 */
const seriesCount = 100_000;
const families = 100;
const budgetMs = 30;
const batchPoints = 2000;

interface Blocks {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly totalMs: number;
}

async function median(work: () => Promise<unknown>, prepare: () => Promise<unknown>): Promise<Blocks> {
  const runs = [];
  for (let i = 0; i < 3; i++) {
    await prepare();
    runs.push(await blocked(work));
  }
  return runs.sort((a, b) => a.cpuMs - b.cpuMs)[1]!;
}

/** CPU time of this thread. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** The longest turn of the event loop while `work` runs, by either clock. */
async function blocked(work: () => Promise<unknown>): Promise<Blocks> {
  const startMs = performance.now();
  const longest = { cpuMs: 0, wallMs: 0 };
  let last = { cpuMs: threadMs(), wallMs: startMs };
  let running = true;
  const watch = () => {
    const now = { cpuMs: threadMs(), wallMs: performance.now() };
    longest.cpuMs = Math.max(longest.cpuMs, now.cpuMs - last.cpuMs);
    longest.wallMs = Math.max(longest.wallMs, now.wallMs - last.wallMs);
    last = now;
    if (running) setImmediate(watch);
  };
  setImmediate(watch);
  await work();
  running = false;
  watch();
  return { ...longest, totalMs: performance.now() - startMs };
}

const rows: Record<string, { figure: string; budget: string; ok: string }> = {};

function report(step: string, figure: string, budget: string, ok: boolean): void {
  rows[step] = { figure, budget, ok: ok ? 'yes' : 'NO' };
  if (!ok) process.exitCode = 1;
}

function reportBlock(step: string, { cpuMs, wallMs, totalMs }: Blocks): void {
  const figure = `${cpuMs.toFixed(1)} ms (wall ${wallMs.toFixed(1)} ms) of ${totalMs.toFixed(0)} ms`;
  report(step, figure, `${budgetMs} ms`, cpuMs <= budgetMs);
}

/** Batches as the periodic reader cuts them. */
function* batchesOf(metrics: readonly MetricData[]): Generator<MetricData> {
  for (const metric of metrics) {
    for (let start = 0; start < metric.dataPoints.length; start += batchPoints) {
      yield { ...metric, dataPoints: metric.dataPoints.slice(start, start + batchPoints) } as MetricData;
    }
  }
}

async function encode(metrics: readonly MetricData[]): Promise<void> {
  for (const metric of batchesOf(metrics)) {
    const scopeMetrics = [{ scope: { name: 'bench' }, metrics: [metric] }];
    ProtobufMetricsSerializer.serializeRequest({ resource: emptyResource(), scopeMetrics });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function manySeries(label: string, familyCount: number): Promise<void> {
  const someLabels: Attributes = { machine_id: 'm'.repeat(32), system_uuid: 'u'.repeat(36) };
  let constant = someLabels;
  let generation = 0;
  let observed: Attributes[] = [];
  const observeEqual = async () => {
    observed = Array.from({ length: seriesCount }, (_, i) => ({
      container_id: `/docker/${generation}-${i % 500}`,
      app_id: '',
      destination: `10.0.${i >> 8}.${i & 255}:443`,
    }));
  };
  const observeOthers = async () => {
    generation++;
    await observeEqual();
  };
  const relabel = async () => (constant = { ...someLabels, az: 'a', region: 'r' });
  const nothing = async () => {};

  const meter = new SnapshotMeter({ constantLabels: () => constant });
  for (let family = 0; family < familyCount; family++) {
    const counter = meter.createObservableCounter(`bench_${family}_total`);
    counter.addCallback((result) => {
      for (let i = family; i < seriesCount; i += familyCount) result.observe(i, observed[i]);
    });
  }
  const collect = () => meter.collect();
  reportBlock(`${label}: collect, all replaced`, await median(collect, observeOthers));
  reportBlock(`${label}: collect, known objects`, await median(collect, nothing));
  reportBlock(`${label}: collect, equal objects`, await median(collect, observeEqual));
  reportBlock(`${label}: collect, other constant labels`, await median(collect, relabel));
  const { metrics } = await meter.collect();
  reportBlock(`${label}: page`, await median(() => toText(metrics), nothing));
  reportBlock(`${label}: OTLP encoding`, await median(() => encode(metrics), nothing));
}

/** 200 rounds of 1,000 new series each, the ones before leaving. */
async function churn(): Promise<void> {
  const meter = new SnapshotMeter();
  const gauge = meter.createObservableGauge('bench_churn');
  let round = 0;
  gauge.addCallback((result) => {
    for (let i = 0; i < 1000; i++) result.observe(i, { destination: `${round}.${i}`, container_id: 'c' });
  });
  const rounds = async (count: number) => {
    for (const end = round + count; round < end; round++) {
      const { metrics } = await meter.collect();
      await toText(metrics);
    }
    for (let i = 0; i < 3; i++) globalThis.gc?.();
    return process.memoryUsage();
  };
  const before = await rounds(400);
  const after = await rounds(200);
  for (const part of ['heapUsed', 'rss'] as const) {
    const growth = after[part] / before[part] - 1;
    const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    report(`churn: ${part}`, `${mib(before[part])} -> ${mib(after[part])}`, 'within 10 %', growth <= 0.1);
  }
}

await churn();
await manySeries(`${families} families`, families);
await manySeries('1 family', 1);
console.table(rows);
if (globalThis.gc === undefined) console.log('without --expose-gc the memory rows mean little');
