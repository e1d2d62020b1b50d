import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tcpLayouts } from '../kernel/layouts.ts';
import type { Container } from '../model/containers.ts';
import { nothingRead } from './reading.fixture.ts';
import { timesModel, type TimesModel } from './times.ts';

const { tcpHistogramKey, tcpHistogram, tcpMeasure } = tcpLayouts;

/** One connect of so many nanoseconds in the first bucket, `count` times. */
function histogram(cgroupId: number, count: number, ns: number): Buffer {
  const bytes = Buffer.alloc(tcpHistogramKey.size + tcpHistogram.size);
  bytes.writeBigUInt64LE(BigInt(cgroupId), tcpHistogramKey.fields.cgroupId.offset);
  bytes.writeUInt32LE(tcpMeasure.TCP_CONNECT_TIME, tcpHistogramKey.fields.measure.offset);
  const value = bytes.subarray(tcpHistogramKey.size);
  value.writeBigUInt64LE(BigInt(count * ns), tcpHistogram.fields.sumNs.offset);
  value.writeBigUInt64LE(BigInt(count), tcpHistogram.fields.counts.offset);
  return bytes;
}

function share(cgroupId: number): Buffer {
  const bytes = Buffer.alloc(8 + tcpLayouts.tcpShare.size);
  bytes.writeBigUInt64LE(BigInt(cgroupId));
  return bytes;
}

const shown = (model: TimesModel): unknown[] =>
  [...model.all()].map(({ container, connect, roundTrip }) => [
    container.id,
    connect.counts[0],
    connect.sum,
    roundTrip.counts[0],
  ]);

test('cgroups of one container are one histogram, which does not fall when one of them is gone', () => {
  const containers = new Map<number, Container>();
  const container: Container = { id: '/a', labels: {}, visible: true };
  containers.set(1, container).set(2, container);
  const kernel = new Map([
    [1, histogram(1, 3, 1e6)],
    [2, histogram(2, 4, 1e6)],
  ]);
  const taken: string[] = [];
  const model = timesModel({ byCgroup: (id) => containers.get(id) }, (map, key) => {
    const cgroupId = Number(Buffer.from(key).readBigUInt64LE());
    taken.push(`${map} ${cgroupId}`);
    const entry = map === 'tcp_histograms' ? kernel.get(cgroupId) : undefined;
    if (entry !== undefined) kernel.delete(cgroupId);
    return entry?.subarray(tcpHistogramKey.size) ?? null;
  });
  const update = (): void =>
    model.update({ ...nothingRead, histograms: Buffer.concat([...kernel.values()]), shares: share(1) });

  update();
  assert.deepEqual(shown(model), [['/a', 7, 0.007, 0]]);
  containers.delete(1);
  update();
  assert.deepEqual(shown(model), [['/a', 7, 0.007, 0]]);
  assert.deepEqual(taken, ['tcp_histograms 1', 'tcp_shares 1'], 'nobody counts there any more');
  kernel.set(2, histogram(2, 5, 1e6));
  update();
  assert.deepEqual(shown(model), [['/a', 8, 0.008, 0]]);
  kernel.clear();
  update();
  assert.deepEqual(shown(model), []);
});
