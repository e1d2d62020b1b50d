import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes, Observable } from '@opentelemetry/api';
import { namingMeter } from '../collector.fixture.ts';
import { tcpLayouts } from '../kernel/layouts.ts';
import type { TcpReading } from '../kernel/tcp-program.ts';
import type { Container } from '../model/containers.ts';
import { tcpCollector, type TcpCollector } from './collector.ts';
import { nothingRead } from './reading.fixture.ts';

const { tcpKey, tcpValue, destination } = tcpLayouts;
const ends = [tcpKey.fields.to.offset, tcpKey.fields.actual.offset];

function entry(cgroup: number, host: number, successful: number, failed: number, active: number): Buffer {
  const bytes = Buffer.alloc(tcpKey.size + tcpValue.size);
  bytes.writeBigUInt64LE(BigInt(cgroup));
  for (const at of ends) {
    bytes.set([0xff, 0xff, 10, 0, 0, host], at + destination.fields.address.offset + 10);
    bytes.writeUInt16LE(443, at + destination.fields.port.offset);
  }
  const value = bytes.subarray(tcpKey.size);
  value.writeBigUInt64LE(BigInt(successful), tcpValue.fields.successful.offset);
  value.writeBigUInt64LE(BigInt(failed), tcpValue.fields.failed.offset);
  value.writeBigUInt64LE(1n, tcpValue.fields.lastNs.offset);
  value.writeUInt32LE(active, tcpValue.fields.active.offset);
  return bytes;
}

function overflow(cgroup: number, successful: number): Buffer {
  return entry(cgroup, 0, successful, 0, 0).fill(0, 8, tcpKey.size);
}

const containers = new Map<number, Container>([
  [1, { id: '/a', labels: { container_id: '/a', app_id: 'x' }, visible: true }],
  [2, { id: '/young', labels: { container_id: '/young', app_id: '' }, visible: false }],
]);

function collector(read: () => Promise<TcpReading>): TcpCollector {
  return tcpCollector(namingMeter(), {
    program: { read, take: () => null },
    directory: { byCgroup: (id) => containers.get(id) },
    keeps: () => true,
    nowNs: () => 1e9,
  });
}

async function collect(from: TcpCollector): Promise<[string, number, Attributes | undefined][]> {
  const samples: [string, number, Attributes | undefined][] = [];
  const observe = (instrument: Observable, value: number, attributes?: Attributes): void => {
    const { name } = instrument as unknown as { name: string };
    samples.push([name.replace('container_net_tcp_', ''), value, attributes]);
  };
  await from.collect({ observe });
  return samples;
}

test('zeros are no samples, and failures carry no actual destination', async () => {
  const counts = [entry(1, 1, 4, 0, 2), entry(1, 2, 0, 3, 0), entry(2, 1, 5, 0, 0), entry(3, 1, 6, 0, 0)];
  const tcp = collector(() =>
    Promise.resolve({
      ...nothingRead,
      walk: 0,
      counts: Buffer.concat(counts),
      overflow: Buffer.concat([overflow(1, 7), overflow(0, 8)]),
    }),
  );
  const own = { container_id: '/a', app_id: 'x' };
  const first = '10.0.0.1:443';
  const connection = { ...own, destination: first, actual_destination: first };
  const other = { ...own, destination: '~other:0', actual_destination: '' };
  assert.deepEqual(await collect(tcp), [
    ['successful_connects_total', 4, connection],
    ['connection_time_seconds_total', 0, connection],
    ['bytes_sent_total', 0, connection],
    ['bytes_received_total', 0, connection],
    ['active_connections', 2, connection],
    ['failed_connects_total', 3, { ...own, destination: '10.0.0.2:443' }],
    ['failed_connects_by_reason_total', 3, { ...own, destination: '10.0.0.2:443', reason: 'refused' }],
    ['successful_connects_total', 7, other],
    ['connection_time_seconds_total', 0, other],
    ['bytes_sent_total', 0, other],
    ['bytes_received_total', 0, other],
  ]);
  assert.deepEqual(tcp.hidden(), { noContainer: 2, tooYoung: 1 });
});

test('labels of a series are one object as long as it lives', async () => {
  const tcp = collector(() => Promise.resolve({ ...nothingRead, walk: 0, counts: entry(1, 1, 4, 0, 0) }));
  const [first] = await collect(tcp);
  const [second] = await collect(tcp);
  assert.equal(first?.[2], second?.[2]);
});

test('a failed reading leaves no samples, the next one is whole', async () => {
  let fails = true;
  const reading = { ...nothingRead, walk: 0, counts: entry(1, 1, 4, 0, 0) };
  const tcp = collector(() => (fails ? Promise.reject(new Error('EIO')) : Promise.resolve(reading)));
  await assert.rejects(collect(tcp), /EIO/);
  fails = false;
  assert.equal((await collect(tcp)).length, 4);
});

test('two collections at a time share one reading', async () => {
  let reads = 0;
  const tcp = collector(async () => {
    reads++;
    return { ...nothingRead, walk: 0, counts: entry(1, 1, 4, 0, 0) };
  });
  const both = await Promise.all([collect(tcp), collect(tcp)]);
  assert.equal(reads, 1);
  assert.deepEqual(both[0], both[1]);
});
