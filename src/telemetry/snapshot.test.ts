import assert from 'node:assert/strict';
import test from 'node:test';
import { emptyResource } from '@opentelemetry/resources';
import { SnapshotMeter } from './meter.ts';
import { Snapshots } from './snapshot.ts';

function createSnapshots() {
  const clock = { ms: 0, now: () => clock.ms, monotonic: () => clock.ms };
  const meter = new SnapshotMeter({ clock });
  const counts = { collections: 0 };
  meter.createObservableGauge('g').addCallback((result) => result.observe(++counts.collections));
  const snapshots = new Snapshots(meter, emptyResource, { name: 'test', version: '1' }, { clock });
  return { clock, counts, meter, snapshots };
}

test('a snapshot younger than a second is handed out again, the same object', async () => {
  const { clock, counts, snapshots } = createSnapshots();
  assert.equal(snapshots.ready, false);
  const first = await snapshots.collect();
  assert.equal(snapshots.ready, true);
  clock.ms = 999;
  assert.equal(await snapshots.collect(), first);
  clock.ms = 1000;
  assert.notEqual(await snapshots.collect(), first);
  assert.equal(counts.collections, 2);
  assert.equal(snapshots.gapMs, 1000);
});

test('concurrent callers share one collection', async () => {
  const { counts, snapshots } = createSnapshots();
  const results = await Promise.all(Array.from({ length: 50 }, () => snapshots.collect()));
  assert.equal(new Set(results).size, 1);
  assert.equal(counts.collections, 1);
});

test('a failed collection is not kept', async () => {
  let broken = true;
  const constantLabels = () => {
    if (broken) throw new Error('no labels');
    return {};
  };
  const meter = new SnapshotMeter({ constantLabels });
  meter.createObservableGauge('g').addCallback((result) => result.observe(1));
  const snapshots = new Snapshots(meter, emptyResource, { name: 'test', version: '1' });
  await assert.rejects(snapshots.collect(), /no labels/);
  assert.equal(snapshots.ready, false);
  broken = false;
  assert.equal((await snapshots.collect()).resourceMetrics.scopeMetrics[0]?.metrics.length, 1);
});

test('errors of callbacks are told with the rest', async () => {
  const { meter, snapshots } = createSnapshots();
  meter.createObservableGauge('bad').addCallback(() => Promise.reject(new Error('broken')));
  const { errors, resourceMetrics } = await snapshots.collect();
  assert.deepEqual(errors.map(String), ['Error: broken']);
  assert.equal(resourceMetrics.scopeMetrics[0]?.metrics.length, 1);
});
