import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asking, hex64, id64, idsOf, minute, setUp, userSlice } from './directory.fixture.ts';

test('beyond the bound containers are summed under one id; a place is given back when one is forgotten', () => {
  const { time, directory } = setUp({ maxContainers: 3, deny: /denied/ });
  const other = '/~other';
  for (let i = 1; i <= 5; i++) directory.add(i, `/system.slice/${i}.service`, time.ms);
  directory.add(6, '/system.slice/5.service/inside', time.ms);
  directory.add(7, '/system.slice/denied.service', time.ms);
  assert.deepEqual([directory.size, directory.folded], [3, 2]);
  assert.deepEqual(
    [3, 4, 5, 6, 7].map((cgroup) => directory.byCgroup(cgroup)?.id),
    ['/system.slice/3.service', other, other, other, undefined],
  );
  assert.deepEqual(directory.byCgroup(4)?.labels, { container_id: other, app_id: '' });
  directory.remove(1);
  time.ms += 10 * minute + 1;
  directory.forgetGone();
  // Who is summed stays so, with all that comes inside it: a sum must not fall.
  directory.add(8, '/system.slice/5.service/later', time.ms);
  assert.equal(directory.byCgroup(4)?.id, other);
  assert.equal(directory.byCgroup(8)?.id, other);
  directory.remove(4);
  time.ms += 10 * minute + 1;
  directory.forgetGone();
  directory.add(9, '/system.slice/4.service', time.ms);
  assert.deepEqual([directory.size, directory.folded], [3, 1]);
  const all = [...directory.all()].find(({ id }) => id === other);
  time.ms += 20 * minute;
  directory.forgetGone();
  assert.ok([...directory.all()].includes(all!), 'its counters stay');
});

test('beyond the bound a name is waited for, and not for ever', () => {
  const { time, directory, asked } = asking({ maxContainers: 2 });
  const ids = (): (string | undefined)[] => [1, 2, 3, 4, 5].map((cgroup) => directory.byCgroup(cgroup)?.id);
  for (let i = 1; i <= 5; i++) directory.add(i, `/docker/${String(i).repeat(64)}`, time.ms);
  asked[0]?.onNamed({ id: 'ignored', image: '' });
  asked[2]?.onNamed({ id: '/docker/web', image: 'web' });
  asked[3]?.onNamed({ id: '/docker/late', image: 'late' });
  assert.deepEqual(ids(), [
    undefined,
    '/docker/222222222222',
    '/docker/web',
    '/~other',
    '/docker/555555555555',
  ]);
  time.ms += 10_001;
  assert.deepEqual(idsOf(directory), ['/docker/web', '/docker/222222222222', '/~other']);
  directory.forgetGone();
  assert.deepEqual(ids().slice(3), ['/~other', '/~other']);
  assert.deepEqual([asked[4]?.wanted(), directory.folded, directory.unnamed], [false, 2, 1]);
  assert.deepEqual([...directory.all()].find(({ id }) => id === '/~other')?.image, '');
});

test('who may be nobody that is wanted takes no place from those who are', () => {
  const { time, directory, asked } = asking({ maxContainers: 2, allow: /web|slice/ });
  for (let i = 1; i <= 5; i++) directory.add(i, `/docker/${String(i).repeat(64)}`, time.ms);
  directory.add(6, '/system.slice/a.service', time.ms);
  asked[0]?.onNamed({ id: '/docker/web', image: '' });
  asked[1]?.onNamed({ id: '/docker/web2', image: '' });
  asked[2]?.onNamed({ id: '/docker/db', image: '' });
  time.ms += minute;
  directory.forgetGone();
  assert.deepEqual(idsOf(directory), ['/system.slice/a.service', '/docker/web', '/~other']);
});

test('containers that are not shown are counted by why', () => {
  const { time, directory } = asking({ minAgeMs: 30_000 });
  directory.add(1, '/system.slice/old.service', time.ms - minute);
  directory.add(2, '/system.slice/young.service', time.ms);
  directory.add(3, '/system.slice/other.service', time.ms);
  directory.add(4, `/docker/${id64}`, time.ms - minute);
  assert.deepEqual(directory.hidden(), { tooYoung: 2, unnamed: 1 });
  time.ms += minute;
  assert.deepEqual(directory.hidden(), { tooYoung: 0, unnamed: 0 });
});

test('what a user calls a container takes no place and is not shown, until a runtime names it', () => {
  const { time, directory, asked } = asking({ maxContainers: 3 });
  for (let i = 1; i <= 1000; i++) directory.add(i, `${userSlice}/docker-${hex64(i)}.scope`, time.ms);
  for (const { onNobody } of asked) onNobody();
  time.ms += minute;
  directory.forgetGone();
  directory.add(5000, '/system.slice/nginx.service', time.ms);
  directory.add(5001, '/lxc/db', time.ms);
  asked[6]?.onNamed({ id: '/user/1000/docker/web', image: '' });
  assert.deepEqual(idsOf(directory), ['/system.slice/nginx.service', '/lxc/db', '/user/1000/docker/web']);
  assert.equal(directory.unnamed, 999);
});

test('a user has a few hundred containers at most; the longest dead of them give way, others of no user do not', () => {
  const { time, directory, asked } = asking();
  directory.add(9000, '/lxc/db', time.ms);
  directory.remove(9000);
  for (let i = 1; i <= 300; i++) {
    directory.add(i, `${userSlice}/docker-${hex64(i)}.scope`, time.ms);
    asked[i - 1]?.onNamed({ id: `/user/1000/docker/c${i}`, image: '' });
  }
  const idOf = (cgroup: number): string | undefined => directory.byCgroup(cgroup)?.id;
  assert.deepEqual([idOf(250), idOf(251), directory.folded], ['/user/1000/docker/c250', '/~other', 50]);
  for (const gone of [7, 8]) directory.remove(gone);
  directory.add(301, `${userSlice}/docker-${hex64(301)}.scope`, time.ms);
  asked[300]?.onNamed({ id: '/user/1000/docker/late', image: '' });
  assert.deepEqual([idOf(301), directory.byCgroup(7)?.visible], ['/user/1000/docker/late', false]);
  assert.ok(idsOf(directory).includes('/lxc/db') && idsOf(directory).includes('/user/1000/docker/c8'));
  directory.add(302, `/user.slice/user-1001.slice/docker-${hex64(302)}.scope`, time.ms);
  asked[301]?.onNamed({ id: '/user/1001/docker/web', image: '' });
  assert.equal(idOf(302), '/user/1001/docker/web');
});

test('the dead take no place from the living, and as many of them are kept, those that died last', () => {
  const { time, directory } = setUp({ maxContainers: 100 });
  for (let i = 1; i <= 150; i++) {
    directory.add(i, `/lxc/job${i}`, time.ms++);
    directory.remove(i);
  }
  directory.add(1000, '/lxc/db', time.ms);
  assert.deepEqual([directory.byCgroup(1000)?.id, directory.folded, directory.size], ['/lxc/db', 0, 101]);
  assert.deepEqual(idsOf(directory).slice(0, 2), ['/lxc/job51', '/lxc/job52']);
  assert.equal(directory.byCgroup(50)?.visible, false, 'late counts of it are hidden');
  // One that starts again after it was forgotten is a new one, one that is still known is the same.
  const known = directory.byCgroup(150);
  directory.add(1001, '/lxc/job50', time.ms);
  directory.add(1002, '/lxc/job150', time.ms);
  assert.deepEqual(
    [directory.byCgroup(1001)?.visible, directory.byCgroup(1002), directory.size],
    [true, known, 102],
  );
  for (let i = 1; i <= 100; i++) directory.add(2000 + i, `/lxc/new${i}`, time.ms);
  assert.deepEqual(
    [directory.folded, directory.byCgroup(2097)?.id, directory.byCgroup(2098)?.id],
    [3, '/lxc/new97', '/~other'],
  );
});
