import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Asking } from './asker.ts';
import type { UnitFacts } from './systemd/facts.ts';
import { Directory, type DirectoryRules } from './directory.ts';
import { walker } from './discovery.ts';
import { walkCgroups } from './walk.ts';

const minute = 60_000;
const everything = { skipSystemServices: true, trackScopes: false, minAgeMs: 0, maxContainers: 5000 };

function setUp(rules: Partial<DirectoryRules> = {}) {
  const time = { ms: 1_000_000_000 };
  const now = (): never => assert.fail('ages must not follow the wall clock');
  const clock = { now, monotonic: () => time.ms };
  return {
    time,
    clock,
    directory: new Directory({ ...everything, ...rules }, clock),
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

const id64 = 'a1b2c3d4e5f6'.padEnd(64, '0');

/** A directory that asks the test for names. */
function asking(rules: Partial<DirectoryRules> = {}) {
  const { time, clock, directory: bare } = setUp(rules);
  const asked: Asking[] = [];
  const directory = new Directory(bare.rules, clock, { ask: (_, asking) => void asked.push(asking) });
  return { time, directory, asked };
}

test('a container is not shown before it has its name, and then under that name alone', () => {
  const { time, directory, asked } = asking();
  directory.add(1, `/docker/${id64}`, time.ms);
  directory.add(2, `/docker/${id64}/nested`, time.ms);
  const before = directory.byCgroup(1)!;
  assert.deepEqual([before.visible, asked.length, directory.unnamed], [false, 1, 1]);
  asked[0]?.onNamed({ id: '/docker/web', image: 'nginx:1' });
  const named = directory.byCgroup(1)!;
  assert.deepEqual([named.id, named.visible, named === directory.byCgroup(2)], ['/docker/web', true, true]);
  assert.deepEqual([before.visible, before.successor], [false, named]);
  assert.deepEqual(
    [...directory.all()].map(({ id, topCgroups, image }) => [
      id,
      topCgroups.map(({ path }) => path).join(),
      image,
    ]),
    [['/docker/web', `/docker/${id64}`, 'nginx:1']],
  );
  directory.add(3, `/docker/${id64}/later`, time.ms);
  assert.deepEqual([directory.byCgroup(3), asked.length, directory.unnamed], [named, 1, 0]);
});

test('after ten seconds without a name a container is shown under its short id, until the name comes', () => {
  const { time, directory, asked } = asking();
  directory.add(1, `/docker/${id64}`, time.ms);
  time.ms += 10_001;
  const before = directory.byCgroup(1)!;
  assert.deepEqual([before.id, before.visible], ['/docker/a1b2c3d4e5f6', true]);
  asked[0]?.onNamed({ id: '/docker/web', image: '' });
  assert.deepEqual([before.visible, directory.byCgroup(1)?.id], [false, '/docker/web']);
});

test('where no runtime is, nothing is held back; what must not be shown stays hidden', () => {
  for (const [rules, visible] of [
    [{}, true],
    [{ deny: /docker/ }, false],
  ] as const) {
    const { time, directory, asked } = asking(rules);
    directory.add(1, `/docker/${id64}`, time.ms);
    asked[0]?.onNobody();
    assert.equal(directory.byCgroup(1)?.visible, visible);
  }
});

test('a container that starts again under its name is the same one; one that ended before its name came has it', () => {
  const { time, directory, asked } = asking();
  directory.add(1, `/docker/${id64}`, time.ms);
  asked[0]?.onNamed({ id: '/docker/web', image: '' });
  const first = directory.byCgroup(1);
  directory.remove(1);
  directory.add(2, `/docker/${'b'.repeat(64)}`, time.ms);
  directory.remove(2);
  asked[1]?.onNamed({ id: '/docker/web', image: '' });
  assert.equal(directory.byCgroup(2), first);
  assert.deepEqual(
    [...directory.all()].map(({ id, topCgroups }) => [id, topCgroups.length]),
    [['/docker/web', 0]],
  );
  time.ms += 10 * minute + 1;
  directory.forgetGone();
  assert.equal(directory.size, 0);
});

test('what turns out to be no container, or one that is not wanted, is nobody', () => {
  const { time, directory, asked } = asking({ deny: /secret/ });
  for (const [cgroup, letter] of [...'abc'].entries())
    directory.add(cgroup + 1, `/docker/${letter.repeat(64)}`, time.ms);
  asked[0]?.onNamed({ id: 'ignored', image: '' });
  asked[1]?.onNamed({ id: '/docker/secret', image: '' });
  asked[2]?.onNamed({ id: '/docker/web', image: '' });
  assert.deepEqual(
    [1, 2, 3].map((cgroup) => directory.byCgroup(cgroup)?.id),
    [undefined, undefined, '/docker/web'],
  );
  assert.equal(directory.size, 1);
});

test('nobody waits for the name of what is forgotten', () => {
  const { time, directory, asked } = asking();
  directory.add(1, `/docker/${id64}`, time.ms);
  directory.remove(1);
  assert.equal(asked[0]?.wanted(), true);
  time.ms += 10 * minute + 1;
  directory.forgetGone();
  assert.deepEqual([asked[0]?.wanted(), directory.size, directory.unnamed], [false, 0, 0]);
});

/** A directory that asks the test what units are. */
function askingUnits(rules: Partial<DirectoryRules> = {}) {
  const { time, clock, directory: bare } = setUp(rules);
  const asked: { unit: string; answer: (type: string, triggeredBy?: string) => Promise<void> }[] = [];
  const askUnit = (unit: string): Promise<UnitFacts> =>
    new Promise((resolve) => {
      const answer = async (type: string, triggeredBy = ''): Promise<void> => {
        resolve({ type, triggeredBy });
        await setImmediate();
      };
      asked.push({ unit, answer });
    });
  return { time, asked, directory: new Directory(bare.rules, clock, { askUnit }) };
}

const idsOf = (directory: Directory): string[] =>
  [...directory.all()].filter(({ visible }) => visible).map(({ id }) => id);

test('a unit is not shown before it is known what it is; asked for once, with all inside, and again when it starts anew', async () => {
  const { time, directory, asked } = askingUnits();
  directory.add(1, '/system.slice/my\\x2dapp.service', time.ms);
  directory.populate(1, true);
  directory.add(2, '/system.slice/my\\x2dapp.service/inside', time.ms);
  const before = directory.byCgroup(2)!;
  assert.deepEqual([idsOf(directory), asked.length, asked[0]?.unit], [[], 1, 'my\\x2dapp.service']);
  await asked[0]?.answer('notify', 'my.socket');
  assert.deepEqual(idsOf(directory), ['/system.slice/my-app.service']);
  const [member] = directory.all();
  assert.deepEqual(member?.facts, { type: 'notify', triggeredBy: 'my.socket' });
  assert.deepEqual([before.successor, directory.byCgroup(1)], [member, member]);

  for (const cgroup of [2, 1]) {
    directory.populate(cgroup, false);
    directory.remove(cgroup);
  }
  directory.add(3, '/system.slice/my\\x2dapp.service', time.ms);
  directory.populate(3, true);
  assert.equal(asked.length, 2);
  // A start while the first question is open is the same question.
  directory.remove(3);
  directory.add(4, '/system.slice/my\\x2dapp.service', time.ms);
  directory.populate(4, true);
  await asked[1]?.answer('exec');
  assert.deepEqual([asked.length, directory.byCgroup(4), directory.byCgroup(3)], [2, member, member]);
  assert.deepEqual([member?.facts.type, member?.restarts, directory.size], ['exec', 2, 1]);
});

test('what runs once, for the bus or by a clock is no container, unless all are to be shown', async () => {
  for (const skipSystemServices of [true, false]) {
    const { time, directory, asked } = askingUnits({ skipSystemServices });
    for (const [i, name] of ['a', 'b', 'c', 'd'].entries())
      directory.add(i + 1, `/system.slice/${name}.service`, time.ms);
    await asked[0]?.answer('oneshot');
    await asked[1]?.answer('dbus');
    await asked[2]?.answer('simple', 'c.timer');
    await asked[3]?.answer('simple', 'd.socket');
    const shown = ['a', 'b', 'c', 'd'].map((name) => `/system.slice/${name}.service`);
    assert.deepEqual(idsOf(directory), skipSystemServices ? shown.slice(3) : shown);
    assert.equal(directory.byCgroup(1) === undefined, skipSystemServices);
  }
});

test('a slice is not shown for background units inside it, but for others', async () => {
  const { time, directory, asked } = askingUnits();
  directory.add(1, '/system.slice/system-job.slice', time.ms);
  directory.add(2, '/system.slice/system-job.slice/job@1.service', time.ms);
  await asked[0]?.answer('oneshot');
  assert.deepEqual(idsOf(directory), []);
  directory.add(3, '/system.slice/system-job.slice/job@2.service', time.ms);
  await asked[1]?.answer('simple');
  assert.deepEqual(idsOf(directory), ['/system.slice/system-job.slice']);
  assert.deepEqual(
    [directory.byCgroup(2), directory.byCgroup(3)?.id],
    [undefined, '/system.slice/system-job.slice'],
  );
});

test('units that nobody wants are not asked for; who is forgotten needs no answer', async () => {
  const { time, directory, asked } = askingUnits({ deny: /secret/ });
  directory.add(1, '/system.slice/secret.service', time.ms);
  assert.equal(asked.length, 0);
  directory.add(2, '/system.slice/a.service', time.ms);
  directory.remove(2);
  time.ms += 10 * minute + 1;
  directory.forgetGone();
  await asked[0]?.answer('simple');
  assert.equal(directory.size, 0);
});

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

test('a container called like the short id of another one is another one', () => {
  const { time, directory, asked } = asking();
  directory.add(1, `/docker/${id64}`, time.ms);
  directory.add(2, `/docker/${'b'.repeat(64)}`, time.ms);
  asked[1]?.onNamed({ id: '/docker/a1b2c3d4e5f6', image: '' });
  assert.notEqual(directory.byCgroup(1), directory.byCgroup(2));
  asked[0]?.onNamed({ id: '/docker/web', image: '' });
  assert.deepEqual(
    [1, 2].map((cgroup) => directory.byCgroup(cgroup)?.id),
    ['/docker/web', '/docker/a1b2c3d4e5f6'],
  );
  assert.equal(directory.size, 2);
});

test('where something is denied, nobody is shown before the name is known', () => {
  const { time, directory } = asking({ deny: /kube-system/ });
  directory.add(1, `/docker/${id64}`, time.ms);
  time.ms += minute;
  assert.equal(directory.byCgroup(1)?.visible, false);
});

const userSlice = '/user.slice/user-1000.slice/user@1000.service/user.slice';
const hex64 = (i: number): string => i.toString(16).padStart(64, '0');

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

test('a container of a runtime that was forgotten and starts again under its own id is asked for again', () => {
  const { time, directory, asked } = asking({ maxContainers: 1 });
  const stop = (cgroup: number, i: number): void => {
    directory.add(cgroup, `/docker/${hex64(i)}`, time.ms);
    asked.at(-1)?.onNamed({ id: `/docker/c${i}`, image: '' });
    directory.remove(cgroup);
  };
  for (let i = 1; i <= 3; i++) stop(i, i);
  directory.add(4, `/docker/${hex64(1)}`, time.ms);
  assert.equal(asked.length, 4);
  asked[3]?.onNamed({ id: '/docker/c1', image: '' });
  assert.deepEqual([directory.byCgroup(4)?.id, directory.byCgroup(4)?.visible], ['/docker/c1', true]);
  assert.ok(idsOf(directory).includes('/docker/c1'));
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
