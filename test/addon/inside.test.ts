/** Paths as another process sees them: never outside its root directory, never those of another process. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileC } from '../compile.ts';
import { skipSlow, slow } from '../faults/mounts.ts';
import { addon, openDescriptors, scratch, skip, startTicksOf, stop, threads, until } from './fixture.ts';

const [ENOENT, ESRCH, EBUSY, EINVAL, ELOOP, ETIMEDOUT] = [2, 3, 16, 22, 40, 110];

interface Status {
  readonly error: number;
  readonly mountId: number;
  readonly inode: number;
  readonly device: number;
  readonly space: readonly number[];
}

async function look(
  pid: number,
  paths: readonly string[],
  startTicks = startTicksOf(pid),
): Promise<Status[]> {
  const asked = paths.map((path) => ({ pid, startTicks, path, place: 'any' }));
  const { errors, figures } = await addon.statInside(asked, 500);
  assert.equal(figures.length, 6 * paths.length);
  return paths.map((_, i) => {
    const [mountId = 0, inode = 0, device = 0, ...space] = figures.subarray(6 * i, 6 * i + 6);
    return { error: errors[i]!, mountId, inode, device, space };
  });
}

test('figures are those of statfs and stat', async () => {
  const before = openDescriptors();
  for (const path of ['/', '/proc', scratch]) {
    const [status] = await look(process.pid, [path]);
    const { bsize, blocks, bfree } = statfsSync(path);
    assert.deepEqual(
      [status?.error, status?.inode, status?.space[0]],
      [0, statSync(path).ino, blocks * bsize],
    );
    // Others use the disk meanwhile.
    assert.ok(Math.abs(status!.space[1]! - bfree * bsize) < 2 ** 30);
  }
  const table = readFileSync('/proc/self/mountinfo', 'utf8');
  const [, id, major, minor] = /^(\d+) \S+ (\d+):(\d+) \/ \/proc /m.exec(table)?.map(Number) ?? [];
  const [proc] = await look(process.pid, ['/proc']);
  assert.deepEqual([proc?.mountId, proc?.device], [id, major! * 2 ** 20 + minor!]);
  assert.equal(openDescriptors(), before);
});

test('a process that is gone, or another one with its pid, is none', async () => {
  assert.deepEqual(
    (await look(process.pid, ['/'], startTicksOf(process.pid) + 1)).map(({ error }) => error),
    [ESRCH],
  );
  assert.deepEqual(
    (await look(2 ** 22 + 1, ['/'], 1)).map(({ error }) => error),
    [ESRCH],
  );
});

test('nothing leads out of the root directory of a process', { skip }, async (t) => {
  const root = join(scratch, 'root');
  mkdirSync(join(root, 'data/inner'), { recursive: true });
  writeFileSync(join(root, 'marker'), '');
  for (const [name, target] of [
    ['absolute', '/'],
    ['relative', '../../../../..'],
    ['magic', '/proc/self/root'],
    ['loop', 'loop'],
  ] as const)
    symlinkSync(target, join(root, name));
  copyFileSync(compileC(join(import.meta.dirname, '../volumes/write.c')), join(root, 'write'));
  chmodSync(join(root, 'write'), 0o755);
  const child = spawn('chroot', [root, '/write', 'stay', '/'], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => stop(child));
  await once(child.stdout, 'data');
  const statuses = await look(child.pid!, [
    ...['/', '..', '/../../..', '/data/inner', '/data/../../..'],
    ...['/absolute', '/absolute/etc', '/relative', '/magic', '/loop', '/data/none'],
  ]);
  const own = statSync(root).ino;
  assert.deepEqual(
    statuses.slice(0, 5).map(({ inode }) => inode),
    [own, own, own, statSync(join(root, 'data/inner')).ino, own],
  );
  assert.deepEqual(
    statuses.slice(5).map(({ error }) => error),
    [ELOOP, ELOOP, ELOOP, ELOOP, ELOOP, ENOENT],
  );
});

test('regular files are opened, where they are for the process, and nothing else', { skip }, async () => {
  const before = openDescriptors();
  const folder = join(scratch, 'files');
  mkdirSync(join(folder, 'inner'), { recursive: true });
  writeFileSync(join(folder, 'a.log'), 'what is in it');
  symlinkSync('a.log', join(folder, 'link'));
  symlinkSync('/dev/null', join(folder, 'device'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  const names = ['a.log', 'link', 'device', 'fifo', 'inner', 'none'];
  const pid = process.pid;
  const paths = names.map((name) => ({
    ...{ pid, startTicks: startTicksOf(pid), place: 'any' },
    path: join(folder, name),
  }));
  const readAll = (fd: number): string => {
    const text = readFileSync(fd, 'utf8');
    closeSync(fd);
    return text;
  };
  const [file, ...others] = await addon.openInside(paths, false, 500);
  assert.equal(readAll(file!), 'what is in it');
  assert.deepEqual(others, [-ELOOP, -ELOOP, -EINVAL, -EINVAL, -ENOENT]);
  const [own, linked, ...rest] = await addon.openInside(paths, true, 500);
  assert.deepEqual([own!, linked!].map(readAll), ['what is in it', 'what is in it']);
  assert.deepEqual(rest, [-EINVAL, -EINVAL, -EINVAL, -ENOENT]);
  assert.equal(openDescriptors(), before);
});

test(
  'a file system that hangs costs its own deadline once, and one thread',
  { skip: skipSlow },
  async (t) => {
    const file = join(scratch, 'hanging');
    writeFileSync(file, 'x');
    const faulty = await slow(t, file, 0);
    const [, [namespace = '']] = faulty.within('x', []);
    const pid = Number(/\d+/.exec(namespace)?.[0]);
    const startTicks = startTicksOf(pid);
    const before = threads();
    faulty.die();
    const ask = async (): Promise<number[]> => {
      const paths = [
        { pid, startTicks, path: file, place: 'dead' },
        { pid, startTicks, path: '/', place: 'root' },
      ];
      return [...(await addon.statInside(paths, 200)).errors];
    };
    assert.deepEqual(await ask(), [ETIMEDOUT, 0]);
    assert.deepEqual(await ask(), [EBUSY, 0]);
    await until(() => threads() === before + 1);
    faulty.revive();
    await until(() => threads() <= before);
    assert.equal((await ask())[1], 0);
  },
);

test('no paths, no answers; no paths of the right shape, no call', async () => {
  assert.deepEqual([...(await addon.statInside([], 100)).errors], []);
  for (const wrong of ['/', [7], [{ pid: -1 }], [{ pid: 1, startTicks: 2 ** 53, path: '/', place: '' }]])
    await assert.rejects(addon.statInside(wrong as never, 100), { code: 'EINVAL' });
  await assert.rejects(addon.statInside([], 0), { code: 'EINVAL' });
  await assert.rejects(addon.openInside([], 1 as never, 100), { code: 'EINVAL' });
});
