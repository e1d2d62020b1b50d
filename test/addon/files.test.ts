import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { compileC } from '../compile.ts';
import type { FileBatch } from '../../src/native/addon.ts';
import { addon, openDescriptors, scratch, skip, start, stop, threads, until } from './fixture.ts';

const [ETIMEDOUT, EBUSY, EFBIG, ENOENT, EISDIR, ENOTCONN, ECONNREFUSED] = [110, 16, 27, 2, 21, 107, 111];

function contentsOf(batch: FileBatch, i: number): string {
  return batch.bytes.toString('latin1', batch.offsets[i], batch.offsets[i + 1]);
}

test('a thousand files come back in order', async () => {
  const paths = Array.from({ length: 1000 }, (_, i) => join(scratch, `file-${i}`));
  const contents = paths.map((path, i) => `${path}\n`.repeat(i % 40));
  paths.forEach((path, i) => writeFileSync(path, contents[i]!));
  const before = openDescriptors();
  const batch = await addon.readFiles(paths, 1000, 1 << 20);
  assert.equal(batch.offsets.length, 1001);
  assert.deepEqual([...batch.errors], Array(1000).fill(0));
  assert.deepEqual(
    paths.map((_, i) => contentsOf(batch, i)),
    contents,
  );
  assert.equal(openDescriptors(), before);
});

test('each path has an error of its own', async () => {
  const whole = join(scratch, 'whole');
  writeFileSync(whole, '0123456789');
  const paths = [whole, '/nowhere', '/proc', '', `${whole}/below`, '/proc/self/status', whole];
  const batch = await addon.readFiles(paths, 1000, 4096);
  assert.deepEqual([...batch.errors], [0, ENOENT, EISDIR, ENOENT, 20, 0, 0]);
  assert.equal(contentsOf(batch, 0), '0123456789');
  assert.equal(contentsOf(batch, 6), '0123456789');
  assert.match(contentsOf(batch, 5), new RegExp(`^Pid:\\t${process.pid}$`, 'm'));
});

test('what is too long is cut, what just fits is not', async () => {
  const path = join(scratch, 'long');
  writeFileSync(path, 'x'.repeat(100_000));
  for (const [limit, length, error] of [
    [99_999, 99_999, EFBIG],
    [100_000, 100_000, 0],
    [0, 0, EFBIG],
  ] as const) {
    const batch = await addon.readFiles([path], 1000, limit);
    assert.deepEqual([batch.bytes.length, batch.errors[0]], [length, error]);
  }
});

test('no paths, no files; no strings, no call', async () => {
  const batch = await addon.readFiles([], 1000, 1000);
  assert.deepEqual([batch.bytes.length, [...batch.offsets], [...batch.errors]], [0, [0], []]);
  await assert.rejects(addon.readFiles('/proc/self/stat' as never, 1000, 1000), { code: 'EINVAL' });
  await assert.rejects(addon.readFiles([7 as never], 1000, 1000), { code: 'EINVAL' });
  await assert.rejects(addon.readFiles(['a\0b'], 1000, 1000), { code: 'EINVAL' });
  for (const deadlineMs of [-1, 0, 0.5, NaN, 2 ** 32])
    await assert.rejects(addon.readFiles([], deadlineMs, 1000), { code: 'EINVAL' });
});

test('a FIFO that nobody writes costs its own deadline and parks nobody', async () => {
  const fifo = join(scratch, 'fifo');
  const other = join(scratch, 'other');
  execFileSync('mkfifo', [fifo]);
  writeFileSync(other, 'here');
  const before = threads();
  const batch = await addon.readFiles([fifo, other, fifo, other], 200, 1000);
  assert.deepEqual([...batch.errors], [ETIMEDOUT, 0, ETIMEDOUT, 0]);
  assert.equal(batch.bytes.toString(), 'herehere');
  await until(() => threads() <= before);
  assert.deepEqual([...(await addon.readFiles([other, fifo], 50, 1000)).errors], [0, ETIMEDOUT]);
});

test(
  'a file system that does not answer holds nobody up',
  { skip: skip || (!existsSync('/dev/fuse') && 'needs /dev/fuse') },
  async () => {
    const mountPoint = join(scratch, 'silent file system');
    const living = join(scratch, 'living');
    mkdirSync(mountPoint);
    writeFileSync(living, 'here');
    const server = await start(compileC(join(import.meta.dirname, 'silent.c')), [mountPoint]);
    after(async () => {
      await stop(server);
      execFileSync('umount', ['-l', mountPoint]);
    });
    const before = threads();

    const dead = Array.from({ length: 20 }, (_, i) => join(mountPoint, `${i}`));
    const paths = dead.flatMap((path) => [path, living]);
    const startMs = performance.now();
    const first = await addon.readFiles(paths, 300, 1000);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < 20 * 300, `side by side, not one after the other: ${tookMs} ms`);
    paths.forEach((path, i) => {
      if (path === living) assert.equal(contentsOf(first, i), 'here');
      else assert.ok([ETIMEDOUT, EBUSY].includes(first.errors[i]!), `error ${first.errors[i]}`);
    });
    const parked = first.errors.filter((error) => error === ETIMEDOUT).length;
    assert.ok(parked >= 16 && parked <= 20, `${parked} parked`);

    const again = await addon.readFiles(
      [...dead, join(mountPoint, 'new'), living, '/proc/self/root' + living],
      60_000,
      1000,
    );
    assert.deepEqual([...again.errors], [...Array<number>(21).fill(EBUSY), 0, 0]);
    assert.equal(again.bytes.toString(), 'herehere');
    assert.ok(threads() >= before + 16);

    await stop(server);
    await until(() => threads() <= before);
    // ECONNREFUSED since Linux 7: it never got as far as to answer the kernel's greeting.
    const [gone] = (await addon.readFiles([dead[0]!], 1000, 1000)).errors;
    assert.ok(gone === ENOTCONN || gone === ECONNREFUSED, `error ${gone}`);
  },
);
