import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tcpLayouts } from '../kernel/layouts.ts';
import type { Container } from '../model/containers.ts';
import { tcpModel, type TcpModel } from './model.ts';
import { nothingRead } from './reading.fixture.ts';
import { failures } from './reading.ts';

const { tcpKey, tcpValue, destination } = tcpLayouts;
const ends = [tcpKey.fields.to.offset, tcpKey.fields.actual.offset];
const minuteNs = 60 * 1e9;

interface Row {
  readonly cgroup: number;
  /** Last byte of 10.0.0.x; undefined for an overflow entry. */
  readonly host?: number;
  successful?: number;
  failed?: number;
  active?: number;
  walk?: number;
  lastNs?: number;
}

function keyBytes(row: Row): Buffer {
  const bytes = Buffer.alloc(tcpKey.size);
  bytes.writeBigUInt64LE(BigInt(row.cgroup), 0);
  if (row.host === undefined) return bytes;
  for (const at of ends) {
    bytes.set([0xff, 0xff, 10, 0, 0, row.host], at + destination.fields.address.offset + 10);
    bytes.writeUInt16LE(80, at + destination.fields.port.offset);
  }
  return bytes;
}

function valueBytes(row: Row): Buffer {
  const bytes = Buffer.alloc(tcpValue.size);
  bytes.writeBigUInt64LE(BigInt(row.successful ?? 0), tcpValue.fields.successful.offset);
  bytes.writeBigUInt64LE(BigInt(row.failed ?? 0), tcpValue.fields.failed.offset);
  bytes.writeBigUInt64LE(BigInt(row.lastNs ?? 0), tcpValue.fields.lastNs.offset);
  bytes.writeUInt32LE(row.active ?? 0, tcpValue.fields.active.offset);
  bytes.writeUInt32LE(row.walk ?? 1, tcpValue.fields.walk.offset);
  return bytes;
}

/** A kernel of two maps, a directory and a clock, all to be changed by the test. */
function machine(): {
  rows: Row[];
  containers: Map<number, Container>;
  nowNs: number;
  beforeTake: ((row: Row) => void) | undefined;
  model: TcpModel;
  update: () => Promise<Record<string, [successful: number, failed: number, active: number]>>;
} {
  const state = {
    rows: [] as Row[],
    containers: new Map<number, Container>(),
    nowNs: 100 * minuteNs,
    beforeTake: undefined as ((row: Row) => void) | undefined,
  };
  const model = tcpModel({
    directory: { byCgroup: (id) => state.containers.get(id) },
    keeps: (address) => address[15] !== 99,
    nowNs: () => state.nowNs,
    take: (_, key) => {
      const index = state.rows.findIndex((row) => keyBytes(row).equals(key));
      const [row] = state.rows.splice(index, 1);
      if (row === undefined) return null;
      state.beforeTake?.(row);
      return valueBytes(row);
    },
  });
  const update = async (): Promise<Record<string, [number, number, number]>> => {
    const image = (overflow: boolean): Buffer =>
      Buffer.concat(
        state.rows
          .filter(({ host }) => (host === undefined) === overflow)
          .flatMap((row) => [keyBytes(row), valueBytes(row)]),
      );
    await model.update({ ...nothingRead, counts: image(false), overflow: image(true) });
    return Object.fromEntries(
      [...model.series()].map((sum) => [
        `${sum.container.id} ${String(sum.labels.failure['destination'])}`,
        [sum.totals.successful, failures(sum.totals), sum.active],
      ]),
    );
  };
  return Object.assign(state, { model, update });
}

function container(id: string): Container {
  return { id, labels: { container_id: id, app_id: '' }, visible: true };
}

test('cgroups of one container are one series', async () => {
  const it = machine();
  it.containers.set(1, container('/a')).set(2, container('/a')).set(3, container('/b'));
  it.rows = [
    { cgroup: 1, host: 1, successful: 5, failed: 1, active: 2, lastNs: it.nowNs },
    { cgroup: 2, host: 1, successful: 7, active: 1, lastNs: it.nowNs },
    { cgroup: 3, host: 1, successful: 11, active: 9, walk: 0, lastNs: it.nowNs }, // counted in a walk before
    { cgroup: 3, successful: 13, lastNs: it.nowNs },
    { cgroup: 3, host: 99, successful: 1, lastNs: it.nowNs },
    { cgroup: 4, host: 1, successful: 1, lastNs: it.nowNs },
    { cgroup: 0, successful: 1, lastNs: it.nowNs },
  ];
  assert.deepEqual(await it.update(), {
    '/a 10.0.0.1:80': [12, 1, 3],
    '/b 10.0.0.1:80': [11, 0, 0],
    '/b ~other:0': [13, 0, 0],
  });
  assert.equal(it.model.withoutContainer(), 2);
});

test('what was idle for ten minutes is taken out of the kernel and forgotten', async () => {
  const it = machine();
  it.containers.set(1, container('/a'));
  it.rows = [
    { cgroup: 1, host: 1, successful: 5, lastNs: it.nowNs },
    { cgroup: 1, host: 2, successful: 5, active: 1, lastNs: it.nowNs },
    { cgroup: 0, successful: 5, lastNs: it.nowNs },
    { cgroup: 7, host: 1, successful: 5, lastNs: it.nowNs },
  ];
  await it.update();
  it.nowNs += 11 * minuteNs;
  assert.deepEqual(await it.update(), { '/a 10.0.0.2:80': [5, 0, 1] });
  assert.deepEqual(
    it.rows.map(({ cgroup, host }) => [cgroup, host]),
    [
      [1, 2],
      [0, undefined],
    ],
  );
});

test('a sum does not fall when one of its cgroups is forgotten', async () => {
  const it = machine();
  it.containers.set(1, container('/a')).set(2, container('/a'));
  const alive = { cgroup: 2, host: 1, successful: 7, lastNs: it.nowNs };
  it.rows = [{ cgroup: 1, host: 1, successful: 5, failed: 2, lastNs: it.nowNs }, alive];
  await it.update();
  it.containers.delete(1);
  it.nowNs += 11 * minuteNs;
  alive.lastNs = it.nowNs;
  alive.successful = 8;
  assert.deepEqual(await it.update(), { '/a 10.0.0.1:80': [13, 2, 0] });
  assert.equal(it.rows.length, 1);
  assert.deepEqual(await it.update(), { '/a 10.0.0.1:80': [13, 2, 0] });
});

test('an attempt between reading and taking is not lost', async () => {
  const it = machine();
  it.containers.set(1, container('/a'));
  it.rows = [{ cgroup: 1, host: 1, successful: 5, lastNs: it.nowNs }];
  await it.update();
  it.nowNs += 11 * minuteNs;
  it.beforeTake = (row) => Object.assign(row, { successful: 6, lastNs: it.nowNs });
  await it.update();
  assert.equal(it.rows.length, 0);
  assert.deepEqual(await it.update(), { '/a 10.0.0.1:80': [6, 0, 0] });
  it.rows = [{ cgroup: 1, host: 1, successful: 1, lastNs: it.nowNs }];
  assert.deepEqual(await it.update(), { '/a 10.0.0.1:80': [7, 0, 0] });
});

test('half an entry at the end of a reading is left out', async () => {
  const it = machine();
  const half = { counts: Buffer.alloc(tcpKey.size + 3, 1), overflow: Buffer.alloc(9) };
  await it.model.update({ ...nothingRead, ...half });
  assert.deepEqual([...it.model.series()], []);
});
