import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { CollectionResult } from '@opentelemetry/sdk-metrics';
import { agentMetrics } from './catalogue/agent.ts';
import { instruments, observeDistribution } from './catalogue/metric.ts';
import { tcpMetrics, tcpTimeBounds, tcpTimeMetrics } from './catalogue/tcp.ts';
import { nodeInfoMetrics } from './catalogue/node.ts';
import type { CloudInstance } from './model/cloud.ts';
import { toldCloud, type ToldCloud } from './model/cloud.fixture.ts';
import { cloudCollector } from './node/cloud.ts';
import { shownPlace } from './place.ts';
import { SnapshotMeter } from './telemetry/meter.ts';
import { receiveOtlp, type ReceivedRequest } from './telemetry/otlp.fixture.ts';
import { startOtlp } from './telemetry/otlp.ts';
import { PrometheusReader } from './telemetry/prometheus.ts';
import { Snapshots } from './telemetry/snapshot.ts';

const identity = { version: '1', hostName: 'h', machineId: 'm', systemUuid: 'u' };
const told: Partial<CloudInstance> = {
  provider: 'AWS',
  accountId: '123',
  instanceId: 'i-1',
  instanceType: 'm5.large',
  region: 'eu-west-1',
  availabilityZone: 'eu-west-1a',
};
const startMs = Date.UTC(2026, 0, 1);
/** Series of scope `agent` and `container` that the meter below observes. */
const placedSeries = 6;
const allSeries = placedSeries + 3;

/** Families of every scope and kind behind both ways out, under a clock that the test moves. */
function node(cloud: ToldCloud) {
  const clock = { ms: 0, now: () => startMs + clock.ms, monotonic: () => clock.ms };
  const place = shownPlace(identity, cloud, clock);
  const meter = new SnapshotMeter({ clock, constantLabels: (metric) => place.labels(metric) });
  const { info, scrapeErrors } = instruments(meter, agentMetrics);
  const { uptime } = instruments(meter, nodeInfoMetrics);
  const { successful, active } = instruments(meter, tcpMetrics);
  const histograms = Object.values(instruments(meter, tcpTimeMetrics));
  const labels = ['/a', '/b'].map((id) => ({ container_id: id, app_id: '' }));
  const during: { run?: (() => Promise<void>) | undefined } = {};
  meter.addBatchObservableCallback(
    async (result) => {
      await during.run?.();
      result.observe(info, 1, { version: '1' });
      result.observe(uptime, clock.ms / 1000);
      for (const cause of ['gathering', 'encoding']) result.observe(scrapeErrors, 0, { cause });
      for (const container of labels) result.observe(successful, 100 + clock.ms / 1000, container);
      result.observe(active, 3, labels[0]);
      const [histogram] = histograms;
      const counts = [2, ...tcpTimeBounds.map(() => 0)];
      observeDistribution(result, histogram!, { sum: 1, counts }, labels[0]!);
    },
    [info, scrapeErrors, uptime, successful, active, ...histograms],
  );
  const collector = cloudCollector(meter, () => place.instance);
  meter.addBatchObservableCallback(collector.collect, collector.instruments);
  const begin = () => place.begin();
  const snapshots = new Snapshots(meter, begin, { name: 'test', version: '1' }, { clock, reuseMs: 1 });
  const reader = new PrometheusReader();
  reader.setMetricProducer(snapshots);
  return { clock, meter, place, snapshots, reader, during };
}

/** What a way out shows of the place: which of them the series of a scope carry, `mixed` if they differ. */
function shownBy(series: readonly { name: string; labels: Readonly<Record<string, string>> }[]) {
  const all = (list: typeof series, label: string) => {
    const values = new Set(list.map(({ labels }) => labels[label] ?? ''));
    return values.size > 1 ? 'mixed' : [...values][0];
  };
  const isPlaced = ({ name }: { name: string }): boolean => /^(container_|promhttp_)/.test(name);
  const placed = series.filter(isPlaced);
  const cloud = series.filter(({ name }) => name === 'node_cloud_info');
  assert.equal(cloud.length, 1);
  for (const { name, labels } of series.filter((one) => !isPlaced(one)))
    assert.equal('az' in labels || (name !== 'node_cloud_info' && 'region' in labels), false, name);
  return {
    placed: placed.length,
    az: all(placed, 'az'),
    region: all(placed, 'region'),
    cloud: cloud[0]!.labels['region'],
  };
}

/** One series a histogram, as in OTLP: its buckets and its sum are looked at, its count is kept. */
function seriesOf(page: string) {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const all = lines.map((line) => {
    const [, name = '', text = ''] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    const labels = Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k!, v!]));
    return { name, labels };
  });
  const bucket = all.filter(({ name }) => name.endsWith('_bucket') || name.endsWith('_sum'));
  const count = all.find(({ name }) => name.endsWith('_count'))?.labels;
  for (const { le, ...labels } of bucket.map((one) => one.labels))
    assert.deepEqual(labels, count, `bucket ${le}`);
  return all.filter((one) => !bucket.includes(one));
}

/** Reads by both ways at moments of the clock. */
async function bothWays(t: TestContext, cloud: ToldCloud) {
  const receiver = await receiveOtlp();
  t.after(receiver.close);
  const rig = node(cloud);
  const endpoint = `http://127.0.0.1:${receiver.port}`;
  const push = startOtlp({ producer: rig.snapshots, intervalMs: 25, endpoint });
  t.after(() => push.shutdown());
  /** The same snapshot on the page and in a push: while the clock stands both get the last one. */
  const at = async (seconds: number) => {
    rig.clock.ms = seconds * 1000;
    const page = seriesOf((await rig.reader.render()).text.toString());
    const timeNs = BigInt(rig.clock.now()) * 1_000_000n;
    const isOfNow = ({ points }: ReceivedRequest) =>
      points.some(({ name, timeNs: time }) => name === 'node_uptime_seconds' && time === timeNs);
    for (const end = performance.now() + 10_000; !receiver.requests.some(isOfNow); await sleep(5))
      assert.ok(performance.now() < end, 'no push in ten seconds');
    const { points, resource } = receiver.requests.find(isOfNow)!;
    receiver.requests.length = 0;
    const pushed = points.filter(({ name }) => name !== 'up');
    const shown = shownBy(pushed);
    assert.deepEqual(shownBy(page), shown, 'page and push show the same');
    assert.equal(resource['cloud.region'] ?? '', shown.cloud);
    assert.equal(resource['host.id'], shown.cloud === '' ? 'm' : 'i-1');
    return { ...shown, resource, points: pushed };
  };
  return { ...rig, at };
}

const moments = [0, 1, 2, 3, 4, 4.999, 5, 6, 15, 29, 30, 31, 60];

for (const answer of [0, 3, 30, Infinity]) {
  test(`an answer after ${answer} s changes the labels once, on all series and both ways out`, async (t) => {
    const cloud = toldCloud({ instanceLifeCycle: 'spot' });
    const { at, meter } = await bothWays(t, cloud);
    for (const seconds of moments) {
      if (seconds === answer) await cloud.answer(told);
      const { placed, az, region, cloud: ofInfo } = await at(seconds);
      const isAnswered = seconds >= answer;
      assert.equal(placed, isAnswered || seconds >= 5 ? placedSeries : 0, `${seconds} s`);
      assert.equal(meter.figures.series, placed + allSeries - placedSeries);
      assert.equal(az ?? '', isAnswered ? told.availabilityZone : '', `${seconds} s`);
      assert.equal(region ?? '', isAnswered ? told.region : '');
      assert.equal(ofInfo, isAnswered ? told.region : '');
    }
    assert.equal(meter.figures.invalid + meter.figures.duplicates + meter.figures.refused, 0);
  });
}

test('counters go on over the change: values grow, and they began when the agent did', async (t) => {
  const cloud = toldCloud();
  const { at } = await bothWays(t, cloud);
  const counters = async (seconds: number) =>
    (await at(seconds)).points
      .filter(({ type, labels }) => (type === 'counter' || type === 'histogram') && 'container_id' in labels)
      .map(({ name, value, startNs }) => ({ name, value, start: Number(startNs / 1_000_000n) - startMs }));
  assert.deepEqual(await counters(2), []);
  const name = 'container_net_tcp_successful_connects_total';
  for (const seconds of [6, 29]) {
    const before = await counters(seconds);
    assert.deepEqual(before.slice(-2), [
      { name, value: 100 + seconds, start: 0 },
      { name, value: 100 + seconds, start: 0 },
    ]);
    assert.equal(before.length, 3, 'a histogram is one more');
    assert.ok(before.every(({ start }) => start === 0));
  }
  await cloud.answer(told);
  const after = await counters(30);
  assert.deepEqual(
    after.map(({ value, start }) => [value, start]),
    [
      [2, 0],
      [130, 0],
      [130, 0],
    ],
  );
});

test('an answer in the middle of a snapshot is for the next one, whole', async (t) => {
  const cloud = toldCloud();
  const { at, during } = await bothWays(t, cloud);
  await at(5);
  during.run = () => cloud.answer(told);
  const { az, cloud: ofInfo, resource } = await at(10);
  assert.deepEqual([az, ofInfo, resource['cloud.provider']], ['', '', undefined]);
  during.run = undefined;
  const next = await at(11);
  assert.deepEqual(
    [next.az, next.cloud, next.resource['cloud.provider']],
    ['eu-west-1a', 'eu-west-1', 'aws'],
  );
});

test('nothing waits where nobody is asked, or the operator has said both', async () => {
  const count = async (cloud: ToldCloud): Promise<number> => {
    const { snapshots, meter } = node(cloud);
    await Promise.race([cloud.answered, sleep(1)]);
    await snapshots.collect();
    return meter.figures.series;
  };
  const noCloud = toldCloud();
  await noCloud.answer();
  assert.equal(await count(noCloud), allSeries);
  assert.equal(await count(toldCloud({ region: 'r', availabilityZone: 'z' })), allSeries);
  assert.equal(await count(toldCloud({ region: 'r' })), allSeries - placedSeries);
});

test('an answer that changes neither zone nor region changes no label', async () => {
  const cloud = toldCloud();
  await cloud.answer(told);
  const { snapshots, clock, place } = node(cloud);
  const labels = async () => {
    clock.ms += 1000;
    return pointsOf(await snapshots.collect());
  };
  const first = await labels();
  await cloud.answer({ instanceLifeCycle: 'spot' });
  const second = await labels();
  assert.equal(place.instance.instanceLifeCycle, 'spot');
  const changed = first.filter(([key, object]) => second.find(([other]) => other === key)?.[1] !== object);
  assert.deepEqual(
    changed.map(([key]) => key.split(' ')[0]),
    ['node_cloud_info'],
  );
});

test('of a thousand changes only the last is kept', async () => {
  const cloud = toldCloud();
  const { snapshots, clock, meter } = node(cloud);
  const seen: WeakRef<object>[] = [];
  for (let i = 0; i < 1000; i++) {
    await cloud.answer({ ...told, availabilityZone: `z${i}` });
    clock.ms += 1000;
    for (const [, labels] of pointsOf(await snapshots.collect())) seen.push(new WeakRef(labels));
    assert.equal(meter.figures.series, allSeries);
  }
  assert.equal(seen.length, 1000 * allSeries);
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  await sleep(1);
  collectGarbage();
  const kept = new Set(seen.map((reference) => reference.deref()).filter(Boolean));
  assert.ok(kept.size <= 2 * allSeries, `${kept.size} label sets`);
});

/** Name and labels of each point, and the object that they are. */
function pointsOf({ resourceMetrics }: CollectionResult): [string, object][] {
  const [scope] = resourceMetrics.scopeMetrics;
  return scope!.metrics.flatMap(({ descriptor, dataPoints }) =>
    dataPoints.map(({ attributes }): [string, object] => [
      `${descriptor.name} ${JSON.stringify(attributes)}`,
      attributes,
    ]),
  );
}
