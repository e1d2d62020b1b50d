import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byId, containerOf, machine, shown, table } from './model.fixture.ts';
import { maxVolumes } from './volumes.ts';

test('what is written to is shown, ZFS without a device, nothing else of major 0', async () => {
  const { state, model, container } = machine(table);
  await model.update();
  assert.deepEqual(shown(model), []);
  state.seen = new Map([[container, [byId(21, '8:1'), byId(23, '0:51'), byId(24, '0:52')]]]);
  await model.update();
  assert.deepEqual(shown(model), ['/a /data sda 1000', '/a /pool  1000']);
});

test('an id of another mount namespace is not taken for one of this', async () => {
  const { state, model, container } = machine(table);
  state.seen = new Map([[container, [byId(21, '8:2')]]]);
  await model.update();
  assert.deepEqual(shown(model), []);
});

test('by the directories above a file it is the nearest mount', async () => {
  for (const [above, expected] of [
    [[5, 2600, 2200, 2100, 2], '/inner'],
    [[5, 6, 2100, 2], '/data'],
    [[5, 6, 7], undefined],
  ] as const) {
    const { state, model, container } = machine(table);
    state.seen = new Map([[container, [{ mountId: 0, device: '8:1', above }]]]);
    await model.update();
    assert.deepEqual(shown(model), expected === undefined ? [] : [`/a ${expected} sda 1000`]);
  }
});

test('a device is settled when all its mounts are known, until one is added', async () => {
  const { state, model, container } = machine(table);
  const write = async (...ids: number[]): Promise<void> => {
    state.seen = new Map([[container, ids.map((id) => byId(id, '8:1'))]]);
    await model.update();
  };
  await write(21);
  assert.deepEqual(state.told, []);
  await write(22);
  assert.deepEqual(state.told, ['settle /a 8:1']);
  state.mountinfo += '\n25 20 8:1 /more /more rw - ext4 /dev/sda1 rw';
  container.activity.runs++;
  state.nowMs += 100_000;
  await model.update();
  assert.deepEqual(state.told, ['settle /a 8:1', 'unsettle /a 8:1']);
});

test('a device that the container has nothing of is settled at once', async () => {
  const { state, model, container } = machine(table);
  state.seen = new Map([[container, [{ mountId: 0, device: '9:9', above: [1, 2] }]]]);
  await model.update();
  assert.deepEqual([shown(model), state.told], [[], ['settle /a 9:9']]);
});

test('what is no longer mounted goes at once, also when something else is mounted there', async () => {
  for (const after of [
    '20 1 0:50 / / rw - overlay overlay rw',
    '21 20 8:17 / /data rw - ext4 /dev/sdb1 rw',
  ]) {
    const { state, model, container } = machine(table);
    state.seen = new Map([[container, [byId(21, '8:1')]]]);
    await model.update();
    state.mountinfo = after;
    await model.update();
    assert.deepEqual(shown(model), []);
  }
});

test('a container that turns out to be another hands over what it wrote to', async () => {
  const { state, model, container } = machine(table);
  state.seen = new Map([[container, [byId(21, '8:1')]]]);
  await model.update();
  const named = containerOf('/named');
  container.successor = named;
  state.containers = [named];
  await model.update();
  assert.deepEqual(shown(model), ['/named /data sda 1000']);
});

test('all of them, where that is asked for', async () => {
  const { model } = machine(table, true);
  await model.update();
  assert.deepEqual(shown(model), [
    '/a /  1000',
    '/a /data sda 1000',
    '/a /inner sda 1000',
    '/a /config sda 1000',
    '/a /tmp  1000',
    '/a /pool  1000',
  ]);
});

test('more mounts than there is place for are counted', async () => {
  const many = Array.from({ length: maxVolumes + 44 }, (_, i) => `${i} 1 0:${i} / /m${i} rw - tmpfs x rw`);
  const { model } = machine(many.join('\n'), true);
  await model.update();
  assert.deepEqual([shown(model).length, model.refused()], [maxVolumes, 44]);
});

test('what is seen while there is no process to know the mounts by waits for one, for a minute', async () => {
  for (const waitMs of [30_000, 61_000]) {
    const { state, model, container } = machine(table);
    state.pid = undefined;
    state.seen = new Map([[container, [byId(21, '8:1')]]]);
    await model.update();
    state.nowMs += waitMs;
    await model.update();
    assert.deepEqual([shown(model), state.told], [[], waitMs > 60_000 ? ['unsettle /a 8:1'] : []]);
    state.pid = 7;
    await model.update();
    assert.deepEqual(shown(model), waitMs > 60_000 ? [] : ['/a /data sda 1000']);
  }
});

test('where something is mounted or moved, what was told before is told again', async () => {
  const { state, model, container } = machine(table);
  state.seen = new Map([[container, [byId(21, '8:1')]]]);
  await model.update();
  state.mountinfo = table.replace(' /data rw', ' /moved rw');
  await model.update();
  assert.deepEqual([shown(model), state.told], [[], ['unsettle /a 8:1']]);
  state.seen = new Map([[container, [byId(21, '8:1')]]]);
  await model.update();
  assert.deepEqual(shown(model), ['/a /moved sda 1000']);
});

test('of many directories written to between two looks none is lost', async () => {
  const { state, model, container } = machine(table);
  const many = Array.from({ length: 300 }, (_, i) => ({ mountId: 22, device: '8:1', above: [i] }));
  state.seen = new Map([[container, [byId(21, '8:1'), ...many]]]);
  await model.update();
  assert.deepEqual(shown(model), ['/a /data sda 1000', '/a /inner sda 1000']);
});

test('what was settled or waits under the name before is known, or told again, under the new one', async () => {
  const { state, model, container } = machine(table);
  state.seen = new Map([[container, [byId(21, '8:1'), byId(22, '8:1')]]]);
  await model.update();
  state.pid = undefined;
  state.seen = new Map([[container, [byId(24, '0:52')]]]);
  await model.update();
  const named = containerOf('/named');
  container.successor = named;
  state.containers = [named];
  state.pid = 7;
  await model.update();
  assert.deepEqual(shown(model), ['/named /data sda 1000', '/named /inner sda 1000', '/named /pool  1000']);
  assert.deepEqual(state.told.slice(0, 2), ['settle /a 8:1', 'unsettle /a 8:1']);
});

test('a disk whose name cannot be read now is not shown without one', async () => {
  const { state, model, container } = machine(table);
  const { disks } = state;
  state.disks = undefined;
  state.seen = new Map([[container, [byId(21, '8:1')]]]);
  await model.update();
  assert.deepEqual(shown(model), []);
  state.disks = disks;
  await model.update();
  assert.deepEqual(shown(model), ['/a /data sda 1000']);
});
