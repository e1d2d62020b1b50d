import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unknownLimit } from '../kernel/tcp-program.ts';
import type { Container } from '../model/containers.ts';
import { listenModel, type Listen, type ListenModel } from './model.ts';
import { listenEntry } from './reading.fixture.ts';

const minuteNs = 60 * 1e9;
const web: Container = { id: '/web', labels: { container_id: '/web' }, visible: true };
const at80 = { cgroupId: 1, address: '0.0.0.0', port: 80 };

interface Rig {
  readonly model: ListenModel;
  readonly taken: string[];
  readonly owners: Map<number, Container>;
  update(atNs: number, walk: number, ...entries: readonly Buffer[]): Promise<void>;
  of(container?: Container): readonly Listen[];
}

function rig(maxEntries?: number): Rig {
  let nowNs = 0;
  const taken: string[] = [];
  const owners = new Map([[1, web]]);
  const model = listenModel({
    directory: { byCgroup: (id) => owners.get(id) },
    take: (key) => taken.push(Buffer.from(key).toString('hex')),
    nowNs: () => nowNs,
    ...(maxEntries !== undefined && { maxEntries }),
  });
  return {
    model,
    taken,
    owners,
    update: (atNs, walk, ...entries) => {
      nowNs = atNs;
      return model.update({ walk, listens: Buffer.concat(entries) });
    },
    of: (container = web) => model.byContainer().get(container) ?? [],
  };
}

test('what is closed stays for ten minutes, and is then taken from the kernel', async () => {
  const { update, of, taken } = rig();
  const entry = (walk: number): Buffer =>
    listenEntry(at80, { walk, lastNs: minuteNs, sockets: 2, queue: 3, limit: 9 });
  await update(minuteNs, 1, entry(1));
  const [open] = of();
  assert.deepEqual([open?.bound, open?.latest.sockets, open?.latest.queue], ['0.0.0.0:80', 2, 3]);
  await update(2 * minuteNs, 2, entry(1));
  assert.deepEqual([of()[0]?.latest.sockets, of()[0]?.latest.queue], [0, 0]);
  await update(11 * minuteNs, 3, entry(1));
  assert.equal(of().length, 1);
  assert.equal(taken.length, 0);
  await update(11 * minuteNs + 1, 4, entry(1));
  assert.equal(of().length, 0);
  assert.deepEqual(taken, [entry(1).subarray(0, 32).toString('hex')]);
});

test('what a source forgets at once stays as long', async () => {
  const { update, of } = rig();
  await update(minuteNs, 1, listenEntry(at80, { walk: 1, lastNs: minuteNs, limit: unknownLimit }));
  assert.deepEqual([of()[0]?.latest.limit, of()[0]?.drops], [undefined, undefined]);
  await update(11 * minuteNs, 2);
  assert.equal(of()[0]?.latest.sockets, 0);
  await update(11 * minuteNs + 1, 3);
  assert.equal(of().length, 0);
});

test('of two sources that tell of the same, the one that found it open is right', async () => {
  const { update, of } = rig();
  const byKernel = listenEntry(at80, { walk: 0, lastNs: 1 });
  const byProcfs = listenEntry(at80, { walk: 7, lastNs: minuteNs, queue: 2, limit: unknownLimit });
  for (const both of [
    [byKernel, byProcfs],
    [byProcfs, byKernel],
  ]) {
    await update(minuteNs, 7, ...both);
    assert.deepEqual([of().length, of()[0]?.latest.sockets, of()[0]?.latest.queue], [1, 1, 2]);
  }
});

test('drops never fall', async () => {
  const { update, of } = rig();
  const told = async (walk: number, drops: number, of = walk): Promise<void> =>
    update(minuteNs, walk, listenEntry(at80, { walk: of, drops, lastNs: minuteNs }));
  const expected = async (walk: number, drops: number, total: number): Promise<void> => {
    await told(walk, drops);
    assert.equal(of()[0]?.drops, total);
  };
  await expected(1, 5, 5);
  await expected(2, 9, 9);
  await expected(3, 4, 9); // one of the sockets has gone
  await expected(4, 6, 11);
  await told(5, 6, 4); // closed
  assert.equal(of()[0]?.drops, 11);
  await expected(6, 3, 14); // and open again, with another socket
});

test('a container that turned out to be another takes along where it listens', async () => {
  const { update, of, owners } = rig();
  await update(1, 1, listenEntry(at80, { walk: 1, lastNs: 1 }));
  const named: Container = { ...web, id: '/named' };
  owners.set(1, named);
  await update(2, 2, listenEntry(at80, { walk: 2, lastNs: 2 }));
  assert.deepEqual([of().length, of(named).length], [0, 1]);
  owners.delete(1);
  await update(3, 3, listenEntry(at80, { walk: 2, lastNs: 2 }));
  assert.equal(of(named).length, 1, 'the directory may forget it');
});

test('half an entry, and those of nobody, are left out; too many are counted', async () => {
  const { update, of, model } = rig(3);
  const nobody = listenEntry({ ...at80, cgroupId: 9 }, { walk: 1, lastNs: 1 });
  await update(1, 1, nobody, listenEntry(at80, { walk: 1, lastNs: 1 }).subarray(0, 63));
  assert.equal(model.byContainer().size, 0);
  const entries = [80, 81, 82, 83, 84].map((port) => listenEntry({ ...at80, port }, { walk: 2, lastNs: 1 }));
  await update(1, 2, nobody, ...entries);
  assert.deepEqual([of().length, model.refused()], [2, 3]);
});
