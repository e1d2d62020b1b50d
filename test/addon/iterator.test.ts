import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counts, cut, fillEntries, int32, openProbe, skipWalks as skip } from './fixture.ts';

test('an iterator writes every entry once', { skip }, async () => {
  const probe = openProbe();
  probe.setMaxEntries('entries', 10_000);
  await probe.load();
  const written = fillEntries(probe, 10_000);
  const link = probe.attach('copy', { iterMap: 'entries' });
  const contents = await probe.readIterator(link, 1 << 20);
  assert.equal(contents.length, 10_000 * 16);
  assert.deepEqual(new Set(cut(contents, 16)), written);

  assert.equal((await probe.readIterator(link, 160_000)).length, 160_000);
  await assert.rejects(probe.readIterator(link, 159_999), { code: 'EFBIG', syscall: 'read' });
  await assert.rejects(probe.readIterator(link + 1, 1000), { code: 'ENOENT' });
  probe.close();
});

test('programs see constants set before load and variables set after it', { skip }, async () => {
  const probe = openProbe();
  probe.setInitial('.rodata', 0, int32(5));
  await probe.load();
  fillEntries(probe, 1);
  probe.update('entries', int32(0, 1, 2), int32(100));
  const link = probe.attach('copy', { iterMap: 'entries' });
  const copied = async (): Promise<number> => (await probe.readIterator(link, 100)).readUInt32LE(12);
  assert.equal(await copied(), 500);
  probe.writeGlobal('.bss', counts.addend, int32(7));
  assert.equal(await copied(), 507);
  assert.deepEqual(probe.readGlobal('.bss', counts.addend, 4), int32(7));
  probe.close();
});

test('global data is guarded', { skip }, async () => {
  const probe = openProbe();
  assert.throws(() => probe.setInitial('.rodata', 6, int32(1)), { code: 'ERANGE', path: '.rodata' });
  assert.throws(() => probe.setInitial('.rodata', 2 ** 32 - 1, int32(1)), { code: 'ERANGE' });
  assert.throws(() => probe.setInitial('.nothing', 0, int32(1)), { code: 'ENOENT', path: '.nothing' });
  assert.throws(() => probe.setInitial('entries', 0, int32(1)), { code: 'EINVAL', path: 'entries' });
  assert.throws(() => probe.readGlobal('.bss', 0, 4), { code: 'EINVAL' });
  await probe.load();
  assert.throws(() => probe.setInitial('.rodata', 0, int32(1)), { code: 'EALREADY' });
  assert.throws(() => probe.writeGlobal('.rodata', 0, int32(1)), { code: 'EPERM', path: '.rodata' });
  assert.throws(() => probe.writeGlobal('.bss', 4094, int32(1)), { code: 'ERANGE' });
  assert.throws(() => probe.readGlobal('.bss', 0, 4097), { code: 'ERANGE' });
  assert.deepEqual(probe.readGlobal('.data', 0, 4), int32(7));
  assert.deepEqual(probe.readGlobal('.rodata', 0, 4), int32(1));
  probe.close();
});
