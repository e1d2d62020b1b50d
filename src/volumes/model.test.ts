import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMountinfo } from '../kernel/mountinfo.ts';
import type { Container, ListedContainer } from '../model/containers.ts';
import type { InsidePath } from '../native/addon.ts';
import { volumeModel, type VolumeModel } from './model.ts';
import { namer } from './names.ts';
import type { Sighting } from './sightings.ts';
import type { Spot } from './spots.ts';
import { maxVolumes } from './volumes.ts';

/** A machine with one container; whatever a test changes holds from the next update on. */
function machine(mountinfo: string, all = false) {
  const state = {
    mountinfo,
    seen: new Map<Container, Sighting[]>(),
    containers: [containerOf('/a')],
    nowMs: 0,
    /** Process that sees the mounts, if any. */
    pid: 7 as number | undefined,
    /** As /proc/diskstats; undefined while it cannot be read. */
    disks: ' 8 0 sda 1\n 8 1 sda1 1\n' as string | undefined,
    /** Containers whose mounts were read, in one go. */
    viewed: [] as number[],
    told: [] as string[],
    looked: [] as string[],
    spot: (path: InsidePath): Spot => {
      const mount = parseMountinfo(state.mountinfo).findLast(({ mountPoint }) => mountPoint === path.path);
      if (mount === undefined || path.pid !== state.pid) return undefined;
      // The inode of the root of a mount is here a hundred times its id.
      return { mountId: mount.id, inode: mount.id * 100, device: mount.device, space };
    },
  };
  const model = volumeModel({
    containers: { all: () => state.containers },
    sightings: {
      look: async () => {
        const { seen } = state;
        state.seen = new Map();
        return seen;
      },
      settle: ({ id }, device) => state.told.push(`settle ${id} ${device}`),
      unsettle: ({ id }, device) => state.told.push(`unsettle ${id} ${device}`),
    },
    views: async (containers) => {
      state.viewed.push(containers.length);
      return containers.map(() => {
        const { pid } = state;
        return pid === undefined
          ? undefined
          : { pid, startTicks: 1, mounts: parseMountinfo(state.mountinfo) };
      });
    },
    spots: async (paths) => {
      state.looked.push(...paths.map(({ path }) => path));
      return paths.map((path) => state.spot(path));
    },
    names: async () => (state.disks === undefined ? undefined : namer(state.disks, '')),
    all,
    nowMs: () => state.nowMs,
  });
  return { state, model, container: state.containers[0]! };
}

const space = { sizeBytes: 1000, usedBytes: 300, reservedBytes: 50 };

type Fake = { -readonly [K in keyof ListedContainer]: ListedContainer[K] };

function containerOf(id: string): Fake {
  const cgroups = [{ id: 1, path: id }];
  return {
    id,
    labels: { container_id: id },
    visible: true,
    cgroups,
    topCgroups: cgroups,
    activity: { runs: 0 },
    wasThere: false,
  };
}

/** Mount points with labels `device`, and whether their space is known. */
function shown(model: VolumeModel): string[] {
  return [...model.volumes()].flatMap(([{ id }, volumes]) =>
    [...volumes.all()].map(
      ({ labels, mount, space }) =>
        `${id} ${mount.mountPoint} ${String(labels['device'])} ${space === undefined ? '-' : space.sizeBytes}`,
    ),
  );
}

const table = [
  '20 1 0:50 / / rw - overlay overlay rw',
  '21 20 8:1 /data /data rw - ext4 /dev/sda1 rw',
  '22 21 8:1 /data/inner /inner rw - ext4 /dev/sda1 rw',
  '26 20 8:1 /data/inner/config /config ro,relatime - ext4 /dev/sda1 rw',
  '23 20 0:51 / /tmp rw - tmpfs tmpfs rw',
  '24 20 0:52 / /pool rw - zfs tank/x rw',
].join('\n');

const byId = (mountId: number, device?: string): Sighting => ({
  mountId,
  above: [],
  ...(device && { device }),
});

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

test('of many directories written to between two looks none is lost', async () => {
  const { state, model, container } = machine(table);
  const many = Array.from({ length: 300 }, (_, i) => ({ mountId: 22, device: '8:1', above: [i] }));
  state.seen = new Map([[container, [byId(21, '8:1'), ...many]]]);
  await model.update();
  assert.deepEqual(shown(model), ['/a /data sda 1000', '/a /inner sda 1000']);
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
