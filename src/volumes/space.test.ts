import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byId, containerOf, machine, shown, table } from './model.fixture.ts';

test('a mount that another one covers has no space, and is left alone for a while', async () => {
  const { state, model, container } = machine(`${table}\n29 21 8:1 /over /data rw - ext4 /dev/sda1 rw`);
  state.seen = new Map([[container, [byId(21, '8:1')]]]);
  await model.update();
  assert.deepEqual(shown(model), ['/a /data sda -']);
  state.looked = [];
  await model.update();
  assert.deepEqual(state.looked, []);
});

test('a process that ends is followed by another one, without a gap', async () => {
  const { state, model, container } = machine(table);
  state.seen = new Map([[container, [byId(21, '8:1')]]]);
  await model.update();
  state.pid = 8;
  await model.update();
  assert.deepEqual(shown(model), ['/a /data sda 1000']);
  state.pid = undefined;
  await model.update();
  assert.deepEqual(shown(model), ['/a /data sda -']);
});

test('what hangs has no space, and the rest has', async () => {
  const { state, model, container } = machine(table);
  state.seen = new Map([[container, [byId(21, '8:1'), byId(24, '0:52')]]]);
  const { spot } = state;
  state.spot = (path) => (path.path === '/pool' ? 'hangs' : spot(path));
  await model.update();
  assert.deepEqual(shown(model), ['/a /data sda 1000', '/a /pool  -']);
});

test('what containers share is looked at once', async () => {
  const { state, model, container } = machine(table);
  const others = Array.from({ length: 50 }, (_, i) => containerOf(`/${i}`));
  state.containers.push(...others);
  state.seen = new Map([container, ...others].map((each) => [each, [byId(21, '8:1')]]));
  await model.update();
  assert.equal(shown(model).filter((line) => line.endsWith(' 1000')).length, 51);
  assert.deepEqual(state.looked, ['/data']);
});

test('a container that has ended has no space, though another one has the same mounted', async () => {
  const { state, model, container } = machine(table);
  const other = containerOf('/b');
  state.containers.push(other);
  state.seen = new Map([container, other].map((each) => [each, [byId(21, '8:1')]]));
  await model.update();
  state.containers[0]!.topCgroups = [];
  state.containers[0]!.cgroups = [];
  await model.update();
  assert.deepEqual(shown(model), ['/a /data sda -', '/b /data sda 1000']);
});

test('a dead file system on the way takes the disk below it from its container alone', async () => {
  const { state, model, container } = machine(
    `${table}\n30 20 0:60 / /dead rw - fuse.x x rw\n31 30 8:1 /data /dead/data rw - ext4 /dev/sda1 rw`,
  );
  const places = new Map<string, string>();
  const { spot } = state;
  state.spot = (path) => {
    places.set(path.path, path.place);
    return path.path.startsWith('/dead') ? 'hangs' : spot(path);
  };
  state.seen = new Map([[container, [byId(31, '8:1'), byId(21, '8:1')]]]);
  await model.update();
  assert.deepEqual(shown(model), ['/a /dead/data sda -', '/a /data sda 1000']);
  assert.deepEqual(
    [...places],
    [
      ['/dead/data', 'in /a'],
      ['/data', '8:1'],
    ],
  );
});

test('mounts of many are read a few at a time, also once all processes have ended', async () => {
  const { state, model } = machine(table);
  state.containers = Array.from({ length: 1000 }, (_, i) => containerOf(`/${i}`));
  state.seen = new Map(state.containers.map((each) => [each, [byId(21, '8:1')]]));
  await model.update();
  state.pid = 8;
  await model.update();
  assert.ok(Math.max(...state.viewed) <= 128, state.viewed.join());
  assert.equal(shown(model).filter((line) => line.endsWith(' 1000')).length, 1000);
});
