import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListedContainer } from '../model/containers.ts';
import { attribution, type Entry } from './attribution.ts';

const web = '/system.slice/web.service';
const entry = (cgroup: string, text: string): Entry => ({ cgroup, text, level: 'info', timeMs: 1 });

function setUp(): {
  known: Map<string, ListedContainer>;
  clock: { nowMs: number };
  of: ReturnType<typeof attribution>;
} {
  const known = new Map<string, ListedContainer>();
  const clock = { nowMs: 0 };
  const groupOf = ({ id, switchedOff }: ListedContainer): string | undefined =>
    switchedOff?.has('logs') ? undefined : id;
  return {
    known,
    clock,
    of: attribution({ find: (id) => known.get(id), groupOf, nowMs: () => clock.nowMs }),
  };
}

test('entries of a unit are its container’s, also from below its cgroup; those of nobody are counted', () => {
  const { known, of } = setUp();
  known.set(web, { id: web } as ListedContainer);
  const entries = [
    entry(`${web}/inner`, 'a'),
    entry('', 'kernel'),
    entry('/init.scope', 'x'),
    entry(web, 'b'),
  ];
  assert.deepEqual(of.take(entries), [
    { group: web, text: 'a', level: 'info', timeMs: 1 },
    { group: web, text: 'b', level: 'info', timeMs: 1 },
  ]);
  assert.deepEqual([of.unattributed, of.held.length], [2, 0]);
});

test('what a unit writes before it is known waits, in order, and not for ever', () => {
  const { known, clock, of } = setUp();
  assert.deepEqual(of.take([entry(web, '1'), entry(web, '2')]), []);
  clock.nowMs = 4000;
  known.set(web, { id: web } as ListedContainer);
  assert.deepEqual(
    of.take([entry(web, '3')]).map(({ text }) => text),
    ['1', '2', '3'],
  );
  const other = '/system.slice/other.service';
  of.take([entry(other, '1')]);
  clock.nowMs = 9000;
  of.take([entry(other, '2')]);
  assert.deepEqual([of.unattributed, of.held.length], [2, 0], 'nobody came');
  clock.nowMs = 70_000;
  of.take([entry(other, '3')]);
  assert.equal(of.held.length, 1, 'it may be somebody’s by now');
});

test('held entries have a bound; a container that switches logs off has none', () => {
  const { known, of } = setUp();
  of.take(Array.from({ length: 5000 }, (_, i) => entry(web, String(i))));
  assert.deepEqual([of.held.length, of.unattributed], [4096, 904]);
  known.set(web, { id: web, switchedOff: new Set(['logs']) } as unknown as ListedContainer);
  assert.deepEqual(of.take([]), []);
  assert.deepEqual([of.held.length, of.unattributed], [0, 904]);
});

test('what waited when the agent ended waits anew', () => {
  const [one, other] = [setUp(), new Map<string, ListedContainer>()];
  one.of.take([entry(web, '1'), entry(`${web}/inner`, '2')]);
  const next = attribution({
    find: (id) => other.get(id),
    groupOf: ({ id }) => id,
    nowMs: () => 0,
    held: [...one.of.held, entry('/init.scope', 'nobody’s')],
  });
  assert.deepEqual(next.take([]), []);
  other.set(web, { id: web } as ListedContainer);
  assert.deepEqual(
    next.take([entry(web, '3')]).map(({ text }) => text),
    ['1', '2', '3'],
  );
  assert.deepEqual([next.held.length, next.unattributed], [0, 0]);
});
