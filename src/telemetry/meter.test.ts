import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Attributes, HrTime } from '@opentelemetry/api';
import { DataPointType, type DataPoint, type MetricData } from '@opentelemetry/sdk-metrics';
import { codeOf } from '../errors.ts';
import type { Outcome } from './callback.ts';
import { SnapshotMeter, type MeterSettings } from './meter.ts';

/** A meter whose clock stands at second 1000, 1010, 1020, ... from one collection to the next. */
function createMeter(settings: MeterSettings = {}) {
  let seconds = 1000;
  const clock = { now: () => seconds * 1000, monotonic: () => seconds * 1000 };
  const meter = new SnapshotMeter({ clock, ...settings });
  const collect = async () => {
    seconds += 10;
    return meter.collect();
  };
  return { meter, collect };
}

type Sample = readonly [value: unknown, attributes?: unknown];

/** A meter with one counter that observes what `samples` holds at the time. */
function counting(settings: MeterSettings = {}) {
  const { meter, collect } = createMeter(settings);
  const state = { samples: [] as Sample[] };
  const counter = meter.createObservableCounter('c_total', { unit: 's', description: 'help' });
  counter.addCallback((result) => {
    for (const [value, attributes] of state.samples)
      result.observe(value as number, attributes as Attributes);
  });
  const points = async () => ((await collect()).metrics[0]?.dataPoints ?? []) as DataPoint<number>[];
  return { meter, state, collect, points };
}

const shown = (points: readonly DataPoint<number>[]) =>
  points.map(({ attributes, value }) => [{ ...attributes }, value]);
const start = (point: DataPoint<number> | undefined): HrTime | undefined => point?.startTime;

test('counters become monotonic cumulative sums, gauges gauges, up-down counters other sums', async () => {
  const { meter, collect } = createMeter();
  meter.createObservableUpDownCounter('z').addCallback((result) => result.observe(-1));
  meter.createObservableGauge('a', { unit: 'By' }).addCallback((result) => result.observe(1));
  meter.createObservableCounter('m_total').addCallback((result) => result.observe(2));
  meter.createObservableGauge('never_observed');
  const { metrics } = await collect();
  const kinds = metrics.map((metric: MetricData) => {
    const monotonic = metric.dataPointType === DataPointType.SUM ? metric.isMonotonic : undefined;
    return [metric.descriptor.name, metric.descriptor.unit, metric.dataPointType, monotonic];
  });
  assert.deepEqual(kinds, [
    ['a', 'By', DataPointType.GAUGE, undefined],
    ['m_total', '', DataPointType.SUM, true],
    ['z', '', DataPointType.SUM, false],
  ]);
});

test('equal but distinct objects are one series, in one round and over rounds', async () => {
  const { meter, state, points } = counting();
  state.samples = [
    [1, { a: 'x', b: 'y' }],
    [2, { b: 'y', a: 'x' }],
  ];
  const first = await points();
  assert.deepEqual(shown(first), [[{ a: 'x', b: 'y' }, 1]]);
  assert.equal(meter.figures.duplicates, 1);
  state.samples = [[3, { b: 'y', a: 'x' }]];
  const second = await points();
  assert.deepEqual(shown(second), [[{ a: 'x', b: 'y' }, 3]]);
  assert.equal(start(second[0]), start(first[0]));
  const same = { a: 'x', b: 'y' };
  state.samples = [
    [4, same],
    [5, same],
  ];
  assert.deepEqual(shown(await points()), [[{ a: 'x', b: 'y' }, 4]]);
  assert.equal(meter.figures.duplicates, 2);
});

test('labels that only look alike when joined stay apart', async () => {
  const { state, points } = counting();
  state.samples = [
    [1, { a: '1:b=1:c' }],
    [2, { a: '1:', b: 'c' }],
    [3, { a: '', b: '' }],
    [4, { a: '' }],
  ];
  assert.equal((await points()).length, 4);
});

test('a series that misses a round is forgotten and starts anew', async () => {
  const { meter, state, points } = counting();
  const attributes = { a: 'x' };
  state.samples = [[1, attributes]];
  assert.deepEqual(start((await points())[0]), [1000, 0]);
  const known = await points();
  assert.deepEqual(
    [start(known[0]), known[0]?.endTime],
    [
      [1000, 0],
      [1020, 0],
    ],
  );
  state.samples = [];
  assert.deepEqual(await points(), []);
  assert.equal(meter.figures.series, 0);
  state.samples = [[2, attributes]];
  assert.deepEqual(start((await points())[0]), [1030, 0]);
});

test('a counter that falls starts anew', async () => {
  const { state, points } = counting();
  state.samples = [[10]];
  await points();
  state.samples = [[4]];
  assert.deepEqual(start((await points())[0]), [1010, 0]);
  state.samples = [[5]];
  assert.deepEqual(start((await points())[0]), [1010, 0]);
});

test('what is no number or no label is dropped and counted', async () => {
  const { meter, state, points } = counting();
  const bad: Sample[] = [
    [Number.NaN],
    [Infinity],
    ['1'],
    [1n],
    [1, { a: 1 }],
    [1, { a: undefined }],
    [1, { 'a.b': 'x' }],
    [1, { __name__: 'x' }],
    [1, { '1a': 'x' }],
    [1, 'text'],
  ];
  state.samples = [...bad, [7, { ok: 'x' }]];
  assert.deepEqual(shown(await points()), [[{ ok: 'x' }, 7]]);
  assert.equal(meter.figures.invalid, bad.length);
});

test('texts that both encoders would write alike are one series', async () => {
  const { meter, state, points } = counting();
  state.samples = [
    [1, { a: '\ud800' }],
    [2, { a: '\udbff' }],
  ];
  assert.deepEqual(shown(await points()), [[{ a: '\ufffd' }, 1]]);
  assert.equal(meter.figures.duplicates, 1);
});

test('constant labels are on every point, sorted, and change in one snapshot', async () => {
  let constant: Attributes = { machine_id: 'm', az: 'z' };
  const { state, points } = counting({ constantLabels: () => constant });
  state.samples = [[1, { container_id: 'c' }], [2]];
  const first = await points();
  assert.deepEqual(Object.entries(first[0]!.attributes), [
    ['az', 'z'],
    ['container_id', 'c'],
    ['machine_id', 'm'],
  ]);
  const again = await points();
  assert.equal(again[0]!.attributes, first[0]!.attributes);
  constant = { machine_id: 'n' };
  assert.deepEqual(shown(await points()), [
    [{ container_id: 'c', machine_id: 'n' }, 1],
    [{ machine_id: 'n' }, 2],
  ]);
  assert.deepEqual(shown(first)[1], [{ az: 'z', machine_id: 'm' }, 2]);
});

test('a family whose constant labels are waited for is in no snapshot, and its series begin all the same', async () => {
  const labels: { constant?: Attributes } = {};
  const { meter, state, points } = counting({ constantLabels: () => labels.constant, seriesLimit: 3 });
  state.samples = [
    [1, { i: '0' }],
    [2, { az: 'own' }],
  ];
  assert.deepEqual(await points(), []);
  assert.equal(meter.figures.series, 0);
  state.samples = Array.from({ length: 10 }, (_, i): Sample => [i + 2, { i: `${i}` }]);
  assert.deepEqual(await points(), []);
  assert.equal(meter.figures.refused, 7, 'they are bounded all the same');
  labels.constant = { az: 'z' };
  state.samples = [
    [3, { i: '0' }],
    [4, { az: 'own' }],
    [5, { i: 'new' }],
  ];
  const shownNow = await points();
  assert.deepEqual(shown(shownNow), [
    [{ az: 'z', i: '0' }, 3],
    [{ az: 'z', i: 'new' }, 5],
  ]);
  assert.deepEqual(shownNow.map(start), [
    [1000, 0],
    [1020, 0],
  ]);
  assert.equal(meter.figures.series, 2);
});

test('an own label that is also a constant one is refused, also when it becomes so', async () => {
  let constant: Attributes = { machine_id: 'm' };
  const { meter, state, points } = counting({ constantLabels: () => constant });
  state.samples = [[1, { machine_id: 'm' }], [2, { az: 'own' }], [3]];
  assert.equal((await points()).length, 2);
  assert.equal(meter.figures.invalid, 1);
  constant = { az: 'z' };
  assert.deepEqual(shown(await points()), [
    [{ az: 'z', machine_id: 'm' }, 1],
    [{ az: 'z' }, 3],
  ]);
  assert.equal(meter.figures.invalid, 2);
});

test('the snapshot is bounded, and so is what one callback may bring', async () => {
  const { meter, state, points } = counting({ seriesLimit: 3 });
  state.samples = Array.from({ length: 10 }, (_, i): Sample => [i, { i: `${i}` }]);
  assert.equal((await points()).length, 3);
  assert.equal(meter.figures.refused, 7);
  assert.equal(meter.figures.series, 3);
  meter.createObservableGauge('other').addCallback((result) => result.observe(1));
  assert.equal((await points()).length, 3);
  assert.equal(meter.figures.refused, 15);
});

test('late, throwing and rejecting callbacks give nothing; the others do', async () => {
  const { meter, collect } = createMeter({ deadlineMs: 120, firstDeadlineMs: 120 });
  const gauge = meter.createObservableGauge('g');
  const outcomes = new Map<string, Outcome>();
  const hold = Promise.withResolvers<void>();
  const batch = (name: string, end: () => void | Promise<void>) =>
    meter.addBatchObservableCallback(
      (result) => {
        result.observe(gauge, 1, { name });
        return end();
      },
      [gauge],
      (outcome) => outcomes.set(name, outcome),
    );
  batch('late', () => hold.promise);
  batch('throwing', () => {
    throw new Error('no');
  });
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a callback may do so
  batch('rejecting', () => Promise.reject(undefined));
  batch('blocking', () => {
    for (const end = performance.now() + 130; performance.now() < end;);
  });
  batch('good', () => {});
  const names = async () => (await collect()).metrics[0]?.dataPoints.map((point) => point.attributes['name']);
  assert.deepEqual(await names(), ['good']);
  const codes = () => [...outcomes].map(([name, { error }]) => [name, error && codeOf(error)]);
  assert.deepEqual(Object.fromEntries(codes()), {
    late: 'ETIMEDOUT',
    throwing: 'UNKNOWN',
    rejecting: 'UNKNOWN',
    blocking: 'ETIMEDOUT',
    good: undefined,
  });
  await names();
  assert.equal(codeOf(outcomes.get('late')?.error), 'EBUSY', 'a run that hangs is not started twice');
  hold.resolve();
  await nextTurn();
  assert.deepEqual(await names(), ['late', 'good']);
});

test('a first run may take longer', async () => {
  const { meter, collect } = createMeter({ deadlineMs: 40, firstDeadlineMs: 10_000 });
  meter.createObservableGauge('g').addCallback(async (result) => {
    await sleep(60);
    result.observe(1);
  });
  assert.equal((await collect()).metrics.length, 1);
  assert.equal((await collect()).metrics.length, 0);
});

test('observations after the end of a run go nowhere', async () => {
  const { meter, collect } = createMeter();
  const gauge = meter.createObservableGauge('g');
  let kept: (() => void) | undefined;
  gauge.addCallback((result) => {
    kept ??= () => result.observe(2, { late: 'x' });
    result.observe(1);
  });
  await collect();
  kept?.();
  assert.equal((await collect()).metrics[0]?.dataPoints.length, 1);
});

test('a batch callback observes its own instruments only, and can be taken off', async () => {
  const { meter, collect } = createMeter();
  const [own, other] = [meter.createObservableGauge('own'), meter.createObservableGauge('other')];
  const callback = (result: { observe: (gauge: typeof own, value: number) => void }) => {
    result.observe(own, 1);
    result.observe(other, 1);
  };
  meter.addBatchObservableCallback(callback, [own]);
  meter.addBatchObservableCallback(callback, [own]);
  assert.deepEqual(
    (await collect()).metrics.map((metric) => metric.descriptor.name),
    ['own'],
  );
  assert.equal(meter.figures.invalid, 1, 'registered once');
  meter.removeBatchObservableCallback(callback, [own]);
  assert.deepEqual((await collect()).metrics, []);
  const single = () => assert.fail('taken off');
  own.addCallback(single);
  own.removeCallback(single);
  assert.deepEqual((await collect()).errors, []);
});

test('one name is one instrument', () => {
  const { meter } = createMeter();
  assert.equal(meter.createObservableGauge('g'), meter.createObservableGauge('g'));
  assert.throws(() => meter.createObservableCounter('g'), { code: 'EEXIST' });
  assert.throws(() => meter.createObservableGauge('g', { unit: 's' }), { code: 'EEXIST' });
  assert.throws(() => meter.createObservableGauge('not.a.name'), { code: 'EINVAL' });
  assert.throws(() => meter.createHistogram('h'), { code: 'UNSUPPORTED' });
});

test('the event loop turns while many series are taken', async () => {
  const { meter, state, points } = counting();
  state.samples = Array.from({ length: 20_000 }, (_, i): Sample => [i, { i: `${i}` }]);
  let turns = 0;
  let running = true;
  const count = () => {
    turns++;
    if (running) setImmediate(count);
  };
  setImmediate(count);
  assert.equal((await points()).length, 20_000);
  running = false;
  assert.ok(turns >= 10, `${turns} turns`);
  assert.equal(meter.figures.series, 20_000);
});

test('a clock that is set back makes no point that starts after its end', async () => {
  let now = 5000;
  const meter = new SnapshotMeter({ clock: { now: () => now, monotonic: () => 0 } });
  meter.createObservableGauge('g').addCallback((result) => result.observe(1));
  now = 1000;
  const point = (await meter.collect()).metrics[0]?.dataPoints[0];
  assert.deepEqual(
    [point?.startTime, point?.endTime],
    [
      [1, 0],
      [1, 0],
    ],
  );
});

test('a series that lives through a clock that is set back does not start after its end', async () => {
  let nowMs = 1_000_000_000_000;
  const meter = new SnapshotMeter({ clock: { now: () => nowMs, monotonic: () => 0 } });
  meter.createObservableCounter('c_total').addCallback((result) => result.observe(1));
  await meter.collect();
  nowMs -= 3_600_000;
  const { metrics } = await meter.collect();
  const { startTime, endTime } = metrics[0]!.dataPoints[0]!;
  assert.deepEqual([startTime[0], endTime[0]], [999_996_400, 999_996_400]);
});

test('a histogram is shown as it is observed, on both ways out alike', async () => {
  const { meter, collect } = createMeter();
  const histogram = meter.createObservableHistogram('h_seconds', {
    unit: 's',
    advice: { explicitBucketBoundaries: [0.1, 1] },
  });
  const values: unknown[] = [
    { sum: 3.5, counts: [1, 0, 2] },
    { sum: 1, counts: [1, 0] }, // a bucket is missing
    { sum: NaN, counts: [1, 0, 2] },
    { sum: 1, counts: [-1, 0, 2] },
    3,
  ];
  meter.addBatchObservableCallback(
    (result) => values.forEach((value, i) => result.observe(histogram, value as number, { i: `${i}` })),
    [histogram],
  );
  const [metric] = (await collect()).metrics;
  assert.equal(metric?.dataPointType, DataPointType.HISTOGRAM);
  assert.deepEqual(
    metric.dataPoints.map(({ attributes, value }) => [attributes['i'], value]),
    [['0', { buckets: { boundaries: [0.1, 1], counts: [1, 0, 2] }, sum: 3.5, count: 3 }]],
  );
  assert.equal(meter.figures.invalid, 4);
});

test('what is disabled is not shown', async () => {
  const { meter, collect } = createMeter({ disabled: new Set(['a_total']) });
  meter.createObservableCounter('a_total').addCallback((result) => result.observe(1));
  meter.createObservableCounter('b_total').addCallback((result) => result.observe(1));
  assert.deepEqual(
    (await collect()).metrics.map(({ descriptor }) => descriptor.name),
    ['b_total'],
  );
});
