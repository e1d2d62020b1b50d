import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minute, setUp, userSlice } from './directory.fixture.ts';

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

test('the topmost cgroups of a container are those that lie in no other, by whole names', () => {
  const { time, directory } = setUp();
  const tops = (): string[] =>
    [...directory.all()].flatMap(({ topCgroups }) => topCgroups.map(({ path }) => path));
  directory.add(1, '/system.slice/a.slice/x.service', time.ms);
  assert.deepEqual(tops(), ['/system.slice/a.slice/x.service']);
  directory.add(2, '/system.slice/a.slice', time.ms);
  directory.add(3, '/system.slice/a.slice/y.service', time.ms);
  assert.deepEqual(tops(), ['/system.slice/a.slice']);
  directory.remove(2);
  assert.deepEqual(tops(), ['/system.slice/a.slice/x.service', '/system.slice/a.slice/y.service']);
  directory.remove(3);
  directory.remove(1);
  assert.deepEqual(tops(), []);
});

test('a user takes a part of the places of cgroups, and has them again when they are forgotten', () => {
  const { time, directory } = setUp();
  for (let id = 1; id <= 65_536; id++) directory.add(id, `${userSlice}/x${id}`, time.ms);
  directory.add(70_000, '/user.slice/user-1001.slice', time.ms);
  directory.add(70_001, '/system.slice/nginx.service', time.ms);
  assert.deepEqual(
    [directory.existing().size, directory.refused, directory.byCgroup(70_001)?.id],
    [4098, 65_536 - 4096, '/system.slice/nginx.service'],
  );
  for (let id = 1; id <= 4096; id++) directory.remove(id);
  time.ms += 10 * minute + 1;
  directory.forgetGone();
  for (let id = 80_001; id <= 84_097; id++) directory.add(id, `${userSlice}/x${id}`, time.ms);
  assert.deepEqual([directory.existing().size, directory.refused], [4098, 65_536 - 4096 + 1]);
});

test('cgroups beyond the bound are refused and counted', () => {
  const { time, directory } = setUp();
  for (let id = 1; id <= 65_540; id++) directory.add(id, '/system.slice/a.service', time.ms);
  assert.equal(directory.refused, 4);
});
