import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VolumeProgram, VolumeUse } from '../kernel/volumes.ts';
import type { Container } from '../model/containers.ts';
import { toldSightings, walkEveryMs } from './sightings.ts';

const container: Container = { id: '/a', labels: {}, visible: true };

function kernel() {
  const state = {
    uses: [] as VolumeUse[],
    calls: [] as string[],
    nowMs: 0,
    known: new Map([[1, container]]),
  };
  const call =
    (name: string) =>
    ({ cgroupId, device }: { cgroupId: number; device: string }): void =>
      void state.calls.push(`${name} ${cgroupId} ${device}`);
  const program: VolumeProgram = {
    walk: async () => void state.calls.push('walk'),
    read: async () => state.uses,
    again: call('again'),
    settle: call('settle'),
    unsettle: call('unsettle'),
    figures: () => assert.fail(),
    close: () => {},
  };
  const directory = { byCgroup: (id: number) => state.known.get(id) };
  return { state, sightings: toldSightings(program, directory, () => state.nowMs) };
}

const use = (cgroupId: number, device = '8:1'): VolumeUse => ({
  ...{ cgroupId, device, mountId: 5, above: [7] },
  key: Uint8Array.of(cgroupId),
});

test('uses go to their containers; open files are looked for now and then', async () => {
  const { state, sightings } = kernel();
  state.uses = [use(1), use(1, '8:2')];
  const found = await sightings.look();
  assert.deepEqual(
    [...found].map(([{ id }, seen]) => [id, seen.map(({ device }) => device)]),
    [['/a', ['8:1', '8:2']]],
  );
  await sightings.look();
  state.nowMs += walkEveryMs;
  await sightings.look();
  assert.deepEqual(state.calls, ['walk', 'walk']);
});

test('a cgroup that nobody knows may yet turn up; after a minute it is nobody', async () => {
  const { state, sightings } = kernel();
  state.uses = [use(2)];
  assert.equal((await sightings.look()).size, 0);
  state.nowMs += 30_000;
  await sightings.look();
  assert.deepEqual(
    state.calls.filter((line) => line !== 'walk'),
    ['again 2 8:1', 'again 2 8:1'],
  );
  state.nowMs += 31_000;
  state.calls = [];
  await sightings.look();
  assert.deepEqual(state.calls, ['walk', 'settle 2 8:1']);
});

test('all cgroups of a container are settled and unsettled together, those of one device', async () => {
  const { state, sightings } = kernel();
  state.known.set(2, container);
  state.uses = [use(1), use(2), use(2, '8:2')];
  await sightings.look();
  state.calls = [];
  sightings.settle(container, '8:1');
  sightings.unsettle(container, '8:1');
  assert.deepEqual(state.calls, ['settle 1 8:1', 'settle 2 8:1', 'unsettle 1 8:1', 'unsettle 2 8:1']);
});

test('of a container with many cgroups the last ones are remembered', async () => {
  const { state, sightings } = kernel();
  state.uses = Array.from({ length: 1000 }, (_, i) => use(i));
  for (let i = 0; i < 1000; i++) state.known.set(i, container);
  await sightings.look();
  state.calls = [];
  sightings.unsettle(container, '8:1');
  assert.equal(state.calls.length, 64);
  assert.equal(state.calls.at(-1), 'unsettle 999 8:1');
});
