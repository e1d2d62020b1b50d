import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Directory } from './directory.ts';
import { walker } from './discovery.ts';

const minute = 60_000;

function setUp(rules: { minAgeMs?: number; allow?: RegExp; deny?: RegExp } = {}) {
  const time = { ms: 1_000_000_000 };
  const now = (): never => assert.fail('ages must not follow the wall clock');
  const clock = { now, monotonic: () => time.ms };
  return {
    time,
    clock,
    directory: new Directory({ skipSystemServices: true, minAgeMs: 0, ...rules }, clock),
  };
}

test('a container keeps its object over a restart and its name for ten minutes after its end', () => {
  const { time, directory } = setUp();
  directory.add(1, '/system.slice/a.service', time.ms);
  const first = directory.byCgroup(1);
  assert.deepEqual(first?.labels, { container_id: '/system.slice/a.service', app_id: '' });
  directory.remove(1);
  directory.add(2, '/system.slice/a.service', time.ms);
  assert.equal(directory.byCgroup(2), first);
  assert.equal(directory.byCgroup(1), first);
  directory.remove(2);
  time.ms += 10 * minute - 1;
  directory.forgetGone();
  assert.equal(directory.byCgroup(2), first);
  time.ms += 2;
  directory.forgetGone();
  assert.equal(directory.byCgroup(2), undefined);
  assert.equal(directory.size, 0);
});

test('cgroups that gone containers left behind do not come back by a late walk', () => {
  const { time, directory } = setUp();
  directory.add(1, '/system.slice/a.service', time.ms);
  directory.remove(1);
  directory.add(1, '/system.slice/a.service', time.ms);
  assert.deepEqual(directory.existing(), new Set());
});

test('containers show from --min-container-age on; one that died before never does', () => {
  const { time, directory } = setUp({ minAgeMs: 30_000 });
  directory.add(1, '/system.slice/old.service', time.ms - 30_000);
  directory.add(2, '/system.slice/young.service', time.ms);
  assert.equal(directory.byCgroup(1)?.visible, true);
  assert.equal(directory.byCgroup(2)?.visible, false);
  directory.remove(2);
  time.ms += minute;
  assert.equal(directory.byCgroup(2)?.visible, false);
});

test('the deny list is checked before the allow list', () => {
  const { time, directory } = setUp({ allow: /service$/, deny: /secret/ });
  directory.add(1, '/system.slice/a.service', time.ms);
  directory.add(2, '/system.slice/secret.service', time.ms);
  directory.add(3, '/system.slice/b.slice', time.ms);
  assert.notEqual(directory.byCgroup(1), undefined);
  assert.equal(directory.byCgroup(2), undefined);
  assert.equal(directory.byCgroup(3), undefined);
});

test('cgroups beyond the bound are refused and counted', () => {
  const { time, directory } = setUp();
  for (let id = 1; id <= 65_540; id++) directory.add(id, '/system.slice/a.service', time.ms);
  assert.equal(directory.refused, 4);
});

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
