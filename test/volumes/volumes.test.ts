/** Volumes of containers on this machine: which are shown, under what names, their space and what was read and written. */
import assert from 'node:assert/strict';
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { run, type RunningAgent } from '../agent/rig.ts';
import { controllers, everybody, type Place } from '../containers/tree.ts';
import { skip } from '../kernel/machine.ts';
import { proves } from '../proof.ts';
import { container, mountPoints, volumesOf, volumesWith } from './container.ts';
import { deviceOf, disk, withoutDisk, type Disk } from './disk.ts';

const megabyte = 2 ** 20;
const family = (name: string): string => `container_resources_disk_${name}`;
const spaces = ['size_bytes', 'used_bytes', 'reserved_bytes'];
const counters = ['reads_total', 'writes_total', 'read_bytes_total', 'written_bytes_total'];

const start = (t: TestContext, ...args: readonly string[]): Promise<RunningAgent> =>
  run(t, undefined, [...everybody, ...args]);

/** As statfs(2) says. */
function spaceOf(path: string): number[] {
  const { bsize, blocks, bfree, bavail } = statfsSync(path);
  return [blocks, blocks - bfree, bfree - bavail].map((count) => count * bsize);
}

/** cgroup v1 counts the I/O of a device once there is a limit on it (block/blk-throttle.c, since Linux 6.10). */
function countIo(place: Place, path: string): void {
  if (controllers.v1.blkio === undefined) return;
  for (const limit of ['read_bps_device', 'write_bps_device'])
    writeFileSync(join(place.directory('blkio'), `blkio.throttle.${limit}`), `${deviceOf(path)} ${2 ** 40}`);
}

/** A folder on the disk and a place to mount it at. */
function bindOf(here: Disk, points: string, name: string, bytes = 8192): { source: string; target: string } {
  const [source, target] = [join(here.folder, name), join(points, name)];
  for (const each of [source, target]) mkdirSync(each, { recursive: true });
  // On the disk: what is still to be written would be written with the first bytes past the page cache.
  writeFileSync(join(source, 'file'), Buffer.alloc(bytes), { flush: true });
  return { source, target };
}

for (const name of ['whole', 'part', 'xfs'] as const)
  describe(`on the disk ${name}`, { skip: skip || withoutDisk(name) }, () => {
    let here: Disk;
    before(() => {
      here = disk(name);
    });
    after(() => here?.remove());
    const points = mountPoints();

    test('a mount is shown once somebody has written there, with its space', async (t) => {
      const written = bindOf(here, points, 'written');
      const beside = bindOf(here, points, 'beside');
      const readOnly = { ...bindOf(here, points, 'read-only'), readOnly: true };
      const { place, act } = await container([written, beside, readOnly]);
      const agent = await start(t);
      await act('read', join(beside.target, 'file'));
      await act('read', join(readOnly.target, 'file'));
      assert.deepEqual([...(await volumesOf(agent, place)).keys()], []);
      await act('write', join(written.target, 'file'), '4096');
      const shown = await volumesWith(agent, place, written.target);
      assert.deepEqual([...shown.keys()], [written.target]);
      const { values, device, volume } = shown.get(written.target)!;
      assert.deepEqual([device, volume], [here.device, '']);
      assert.deepEqual(
        spaces.map((each) => values.get(each)),
        spaceOf(here.folder),
      );
      proves(t, ...spaces.map(family));
    });

    test('what is open for writing from before the agent is shown', async (t) => {
      const held = bindOf(here, points, 'held');
      const kept = bindOf(here, points, 'kept');
      const { place, staying } = await container([held, kept]);
      await staying('hold', join(held.target, 'file'));
      await staying('keep', join(kept.target, 'file'));
      const agent = await start(t);
      assert.deepEqual([...(await volumesWith(agent, place, held.target)).keys()], [held.target]);
    });

    test('of two mounts, one inside the other on the disk, that is shown which was written to', async (t) => {
      const outer = bindOf(here, points, 'outer');
      mkdirSync(join(outer.source, 'inner'));
      const inner = { source: join(outer.source, 'inner'), target: join(points, 'inner') };
      mkdirSync(inner.target);
      writeFileSync(join(inner.source, 'file'), Buffer.alloc(8192));
      for (const [path, expected] of [
        [join(inner.target, 'file'), inner.target],
        [join(outer.target, 'inner/file'), outer.target],
      ] as const) {
        const { place, act } = await container([outer, inner]);
        const agent = await start(t);
        await act('direct', path, '4096');
        assert.deepEqual([...(await volumesWith(agent, place, expected)).keys()], [expected], path);
        await agent.close();
      }
    });

    test('what was written and read past the page cache is counted to the byte', async (t) => {
      const bind = bindOf(here, points, 'counted', 4 * megabyte);
      const { place, act } = await container([bind]);
      countIo(place, here.folder);
      const agent = await start(t);
      const file = join(bind.target, 'file');
      await act('direct', file, String(3 * megabyte));
      await act('fetch', file, String(2 * megabyte));
      const shown = (await volumesWith(agent, place, bind.target, counters)).get(bind.target)?.values;
      assert.equal(shown?.get('written_bytes_total'), 3 * megabyte);
      assert.equal(shown?.get('read_bytes_total'), 2 * megabyte);
      const [reads = 0, writes = 0] = ['reads_total', 'writes_total'].map((each) => shown.get(each));
      assert.ok(writes >= 3 && writes <= 3 * 256, `${writes} writes`);
      assert.ok(reads >= 2 && reads <= 2 * 256, `${reads} reads`);
      proves(t, ...counters.map(family));
    });

    test('once a container has ended its counters stay and its space goes', async (t) => {
      const bind = bindOf(here, points, 'ended', megabyte);
      const { place, act } = await container([bind]);
      countIo(place, here.folder);
      const agent = await start(t);
      await act('direct', join(bind.target, 'file'), String(megabyte));
      const before = await volumesWith(agent, place, bind.target, [...counters, ...spaces]);
      assert.equal(before.get(bind.target)?.values.size, 7);
      await place.remove();
      const shown = (await volumesWith(agent, place, bind.target, counters)).get(bind.target)?.values;
      assert.deepEqual([...(shown?.keys() ?? [])].sort(), counters.toSorted());
      assert.equal(shown?.get('written_bytes_total'), megabyte);
    });

    test('a persistent volume and a mount point with odd letters are told by their names', async (t) => {
      const pvc = 'pvc-0a1b2c3d-1111-2222-3333-444455556666';
      const { source } = bindOf(here, points, `${pvc}_default_data`);
      const target = join(points, 'a b\\c\td"é');
      mkdirSync(target);
      const { place, act } = await container([{ source, target }]);
      const agent = await start(t);
      await act('write', join(target, 'file'), '4096');
      const shown = await volumesWith(agent, place, target);
      assert.deepEqual([...shown.keys()], [target]);
      assert.equal(shown.get(target)!.volume, pvc);
      assert.equal(shown.get(target)!.values.get('size_bytes'), spaceOf(here.folder)[0]);
    });

    test('with --all-volumes there are also those that nobody wrote to, read-only ones and /proc', async (t) => {
      const binds = ['one', 'two'].map((each) => ({
        ...bindOf(here, points, each),
        readOnly: each === 'two',
      }));
      const { place } = await container(binds);
      const agent = await start(t, '--all-volumes');
      const shown = await volumesWith(agent, place, binds[1]!.target);
      for (const { target } of binds) {
        assert.equal(shown.get(target)?.device, here.device);
        assert.equal(shown.get(target)?.values.get('size_bytes'), spaceOf(here.folder)[0]);
      }
      assert.equal(shown.get('/proc')?.device, '');
      assert.equal(shown.get('/proc')?.values.get('size_bytes'), 0);
    });
  });
