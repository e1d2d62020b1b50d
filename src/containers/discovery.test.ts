import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setUp, userSlice } from './directory.fixture.ts';
import { walker } from './discovery.ts';
import { walkCgroups } from './walk.ts';

test('a walk finds what exists by inode, dates it by its oldest process and notices what is gone', async (t) => {
  const { time, clock, directory } = setUp();
  const root = await mkdtemp(join(tmpdir(), 'cgroups-'));
  t.after(() => rm(root, { recursive: true }));
  const nested = join(root, 'cgroup/system.slice/a.service/nested');
  await mkdir(nested, { recursive: true });
  await mkdir(join(root, 'proc/42'), { recursive: true });
  await writeFile(join(root, 'cgroup/system.slice/a.service/cgroup.procs'), '42\n43\n');
  const fields = Array.from({ length: 50 }, (_, index) => (index === 19 ? '1500' : '0')).join(' ');
  await writeFile(join(root, 'proc/42/stat'), `42 (a ) (b) ${fields}\n`);
  const walk = walker({
    directory,
    clock,
    mountPoint: join(root, 'cgroup'),
    proc: join(root, 'proc'),
    uptimeSeconds: () => 100,
  });
  await walk();
  const service = (await stat(join(root, 'cgroup/system.slice/a.service'))).ino;
  const inner = (await stat(nested)).ino;
  const container = directory.byCgroup(service);
  assert.equal(container?.id, '/system.slice/a.service');
  assert.equal(directory.byCgroup(inner), container);
  assert.equal((container as unknown as { firstSeenMs: number }).firstSeenMs, time.ms - 100_000 + 15_000);
  assert.ok(directory.existing().has(inner));
  await rmdir(nested);
  await walk();
  assert.ok(!directory.existing().has(inner));
  assert.ok(directory.existing().has(service));
});

test('a walk comes to users last, and looks at nobody that finds no place', async (t) => {
  const { clock, directory } = setUp();
  const root = await mkdtemp(join(tmpdir(), 'cgroups-'));
  t.after(() => rm(root, { recursive: true }));
  for (const path of ['user.slice/user-1000.slice', 'a.slice', 'system.slice/user.slice', 'z.slice'])
    await mkdir(join(root, path), { recursive: true });
  const found: string[] = [];
  for await (const { path } of walkCgroups(root, 5, () => assert.fail())) found.push(path);
  assert.deepEqual(found.sort(), ['/', '/a.slice', '/system.slice', '/system.slice/user.slice', '/z.slice']);

  for (let id = 1; id <= 4096; id++) directory.add(id, `${userSlice}/x${id}`, 0);
  const uptimeSeconds = t.mock.fn(() => 100);
  const user = join(root, 'user.slice/user-1000.slice');
  await mkdir(join(root, 'proc/42'), { recursive: true });
  await writeFile(join(root, 'proc/42/stat'), `42 (a) ${'0 '.repeat(50)}\n`);
  await writeFile(join(user, 'cgroup.procs'), '42\n');
  await walker({ directory, clock, mountPoint: root, proc: join(root, 'proc'), uptimeSeconds })();
  assert.deepEqual([uptimeSeconds.mock.callCount(), directory.refused], [0, 1]);
});

test('a mount point that does not exist changes nothing', async () => {
  const { time, clock, directory } = setUp();
  directory.add(1, '/system.slice/a.service', time.ms);
  await walker({ directory, clock, mountPoint: '/nonexistent', proc: '/proc', uptimeSeconds: () => 0 })();
  assert.ok(directory.existing().has(1));
});

test('a walk that could not see everything declares nobody dead', async (t) => {
  const { time, clock, directory } = setUp();
  const file = join(await mkdtemp(join(tmpdir(), 'cgroups-')), 'no-directory');
  t.after(() => rm(join(file, '..'), { recursive: true }));
  await writeFile(file, '');
  directory.add(1, '/system.slice/a.service', time.ms);
  await walker({ directory, clock, mountPoint: file, proc: '/proc', uptimeSeconds: () => 0 })();
  assert.ok(directory.existing().has(1));
});
