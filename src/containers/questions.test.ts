import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asking, askingUnits, hex64, id64, idsOf, minute } from './directory.fixture.ts';

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

test('ports that its runtime publishes are those of the container', () => {
  const { time, directory, asked } = asking();
  const published = [{ address: '0.0.0.0', port: 8080 }];
  directory.add(1, `/docker/${id64}`, time.ms);
  asked[0]?.onNamed({ id: '/docker/web', image: '', published });
  const web = directory.byCgroup(1)!;
  assert.deepEqual(web.published, published);
  directory.remove(1);
  directory.add(2, `/docker/${id64}`, time.ms);
  assert.deepEqual([web.published, asked.length], [[], 2], 'it starts again, and is asked for again');
  const others = [{ address: '0.0.0.0', port: 8081 }];
  asked[1]?.onNamed({ id: '/docker/web', image: '', published: others });
  assert.deepEqual([directory.byCgroup(2), web.published], [web, others]);
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
