import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { cut, fillEntries, int32, openProbe, skip } from './fixture.ts';

test('10,000 entries come back as they were written', { skip }, async () => {
  const probe = openProbe();
  probe.setMaxEntries('entries', 10_000);
  await probe.load();
  const written = fillEntries(probe, 10_000);
  const contents = await probe.readMap('entries');
  assert.equal(contents.length, 10_000 * 16);
  assert.deepEqual(new Set(cut(contents, 16)), written);
  assert.throws(() => probe.update('entries', int32(1, 0, 0), int32(0)), {
    code: 'E2BIG',
    syscall: 'bpf(BPF_MAP_UPDATE_ELEM)',
    path: 'entries',
  });
  probe.close();
});

test('small and empty maps are read whole', { skip }, async () => {
  const probe = openProbe();
  await probe.load();
  assert.equal((await probe.readMap('entries')).length, 0);
  for (const length of [1, 2, 16]) {
    const written = fillEntries(probe, length);
    assert.deepEqual(new Set(cut(await probe.readMap('entries'), 16)), written);
  }
  const places = await probe.readMap('places');
  assert.deepEqual(
    [...cut(places, 12)].map((entry) => Buffer.from(entry, 'hex').readUInt32LE()),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  probe.close();
});

test('lookup, take and remove', { skip }, async () => {
  const probe = openProbe();
  await probe.load();
  fillEntries(probe, 3);
  const key = int32(2, 3, 4);
  assert.deepEqual(probe.lookup('entries', key), int32(6));
  assert.deepEqual(probe.take('entries', key), int32(6));
  assert.equal(probe.take('entries', key), null);
  assert.equal(probe.lookup('entries', key), null);
  assert.equal(probe.remove('entries', int32(1, 2, 3)), true);
  assert.equal(probe.remove('entries', int32(1, 2, 3)), false);
  assert.deepEqual([...cut(await probe.readMap('entries'), 16)], [int32(0, 1, 2, 0).toString('hex')]);
  probe.close();
});

test('the value of a per-CPU map is one for each possible CPU, padded to 8 bytes', { skip }, async () => {
  const probe = openProbe();
  await probe.load();
  const value = Buffer.alloc(possibleCpus() * 8);
  for (let cpu = 0; cpu < possibleCpus(); cpu++) value.writeUInt32LE(100 + cpu, cpu * 8);
  probe.update('per_cpu', int32(5), value);
  assert.deepEqual(probe.lookup('per_cpu', int32(5)), value);
  assert.deepEqual(await probe.readMap('per_cpu'), Buffer.concat([int32(5), value]));
  assert.throws(() => probe.update('per_cpu', int32(5), int32(1)), { code: 'EINVAL' });
  probe.close();
});

test('sizes and names are checked', { skip }, async () => {
  const probe = openProbe();
  await probe.load();
  const wrong = { code: 'EINVAL', path: 'entries', detail: /key of 4 bytes, the map has 12/ };
  assert.throws(() => probe.lookup('entries', int32(1)), wrong);
  assert.throws(() => probe.take('entries', int32(1)), wrong);
  assert.throws(() => probe.remove('entries', int32(1)), wrong);
  assert.throws(() => probe.update('entries', int32(1), int32(1)), wrong);
  assert.throws(() => probe.update('entries', int32(1, 2, 3), Buffer.alloc(8)), {
    detail: /value of 8 bytes/,
  });
  assert.throws(() => probe.lookup('nobody', int32(1)), { code: 'ENOENT', path: 'nobody' });
  assert.throws(() => probe.lookup('entries', 'text' as unknown as Buffer), { code: 'EINVAL' });
  await assert.rejects(probe.readMap('nobody'), { code: 'ENOENT' });
  await assert.rejects(probe.readMap('events'), { code: /^E/, path: 'events' });
  probe.close();
});

test('the figures of a map', { skip }, async () => {
  const probe = openProbe();
  probe.setMaxEntries('entries', 1000);
  await probe.load();
  const { id, memoryBytes, ...shape } = probe.mapInfo('entries');
  assert.deepEqual(shape, { type: 1, keyBytes: 12, valueBytes: 4, maxEntries: 1000 });
  assert.ok(id > 0);
  assert.ok(memoryBytes > 1000 * 16, `${memoryBytes} bytes`);
  probe.close();
});

/** `0-3,5` of sysfs. */
function possibleCpus(): number {
  const ranges = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim().split(',');
  return ranges.reduce((sum, range) => {
    const [first, last] = range.split('-').map(Number);
    return sum + (last ?? first!) - first! + 1;
  }, 0);
}
