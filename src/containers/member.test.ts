import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Member } from './member.ts';

const club = { clock: { now: () => 0, monotonic: () => 0 }, minAgeMs: 0 };
const member = (id: string): Member => new Member(id, 0, club);

test('processes that come and go in the same cgroup, or inside it, are no restart', () => {
  const web = member('/web');
  web.began(1, '/web');
  web.populate(1, true);
  web.populate(1, false);
  web.populate(1, true);
  assert.equal(web.restarts, 0, 'a preparing command and the service itself');
  web.populate(1, false);
  web.began(2, '/web/inside');
  web.populate(2, true);
  web.populate(1, true);
  web.populate(2, false);
  web.populate(1, false);
  web.ended(2, 0);
  assert.equal(web.restarts, 0);
});

test('a second cgroup beside the first is a restart once that is empty', () => {
  const web = member('/web');
  web.began(1, '/a');
  web.populate(1, true);
  web.began(2, '/b');
  web.populate(2, true);
  assert.equal(web.restarts, 0, 'both run');
  web.populate(1, false);
  web.populate(2, false);
  web.began(3, '/c');
  web.populate(3, true);
  assert.equal(web.restarts, 1);
});

test('a new cgroup after the old one is a restart, with or without word of its last process', () => {
  const web = member('/web');
  for (let i = 1; i <= 3; i++) {
    web.began(i, '/web');
    web.populate(i, true);
    if (i === 1) web.populate(i, false);
    web.ended(i, 0);
  }
  assert.equal(web.restarts, 2);
});

test('a second cgroup that went before it ran makes no restart of the first', () => {
  const web = member('/web');
  web.began(1, '/a');
  web.populate(1, true);
  web.populate(1, false);
  web.began(2, '/b');
  web.ended(2, 0);
  web.populate(1, true);
  assert.equal(web.restarts, 0);
  const late = member('/late');
  late.began(1, '/a');
  late.began(2, '/b');
  late.ended(2, 0);
  late.populate(1, true);
  late.populate(1, false);
  late.began(3, '/c');
  late.populate(3, true);
  assert.equal(late.restarts, 1);
});

test('a start costs no look at all the other cgroups', (t) => {
  const looks = t.mock.getter(Member.prototype, 'topCgroups').mock;
  const other = member('/~other');
  for (let i = 1; i <= 1000; i++) {
    other.began(i, `/lxc/${i}`);
    other.populate(i, true);
    other.populate(i, false);
  }
  assert.deepEqual([looks.callCount(), other.restarts], [0, 999]);
});

test('a container that was named late brings its restarts along, and is one itself where the name had run before', () => {
  const [first, unnamed, web] = [member('/docker/a'), member('/docker/b'), member('/docker/web')];
  first.began(1, '/docker/a');
  first.populate(1, true);
  first.becomes(web);
  assert.equal(web.restarts, 0);
  web.populate(1, false);
  web.ended(1, 0);
  unnamed.began(2, '/docker/b');
  unnamed.populate(2, true);
  unnamed.ended(2, 0);
  unnamed.began(3, '/docker/b');
  unnamed.populate(3, true);
  unnamed.becomes(web);
  assert.equal(web.restarts, 2);
  web.ended(3, 0);
  web.began(4, '/docker/b');
  web.populate(4, true);
  assert.equal(web.restarts, 3);
});

test('a container that was named late was there before the agent if it was, and says what it said', () => {
  const [unnamed, web] = [member('/docker/b'), member('/docker/web')];
  unnamed.began(1, '/docker/b');
  unnamed.populate(1, true);
  unnamed.wasThere = true;
  unnamed.switchOff(new Set(['logs']));
  unnamed.becomes(web);
  assert.deepEqual([web.wasThere, [...web.switchedOff]], [true, ['logs']]);
  unnamed.switchOff(new Set(['traces']));
  assert.deepEqual([...web.switchedOff], ['traces']);
  const other = member('/~other');
  unnamed.becomes(other);
  other.switchOff(new Set(['logs']));
  assert.equal(other.switchedOff.size, 0);
});
