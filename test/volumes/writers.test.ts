/** What the kernel tells of processes that open files for writing and write: each way, by a process that is gone afterwards. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Features } from '../../src/features.ts';
import { startVolumes, type VolumeProgram, type VolumeUse } from '../../src/kernel/volumes.ts';
import { compileC } from '../compile.ts';
import { makePlace, type Place } from '../containers/tree.ts';
import { addon, bpfObject, hierarchy, paths, skip } from '../kernel/machine.ts';
import { deviceOf, disk, withoutDisk, type Disk, type DiskName } from './disk.ts';

const write = (): string => compileC(join(import.meta.dirname, 'write.c'));

async function listening(options: { maxUses?: number } = {}): Promise<VolumeProgram> {
  const features = new Features();
  const read = async (name: string): Promise<Uint8Array> => bpfObject(name);
  const program = await startVolumes(addon(), read, hierarchy, paths, features, options);
  assert.ok(program, JSON.stringify([...features.all()]));
  return program;
}

/** Acts of write.c that are told of though whoever did them is gone; on XFS a file loses its contents without a word. */
const told = (name: DiskName): string[] => [
  ...['write', 'direct', 'map'],
  ...(name === 'xfs' ? [] : ['truncate']),
];
/** Those that are not: nothing is written. */
const untold = ['read', 'fetch', 'open', 'keep'];

let places = 0;
const placeOf = (): Place => makePlace(`writers-${process.pid}-${places++}.service`);
const idOf = (place: Place): number => statSync(`${hierarchy.mountPoint}${place.path}`).ino;

for (const name of ['whole', 'part', 'xfs'] as const)
  describe(`on the disk ${name}`, { skip: skip || withoutDisk(name) }, () => {
    const here: { disk?: Disk; program?: VolumeProgram } = {};
    before(async () => {
      here.disk = disk(name);
      here.program = await listening();
    });
    after(() => {
      here.program?.close();
      here.disk?.remove();
    });

    const file = (path: string): string => {
      const whole = join(here.disk!.folder, path);
      mkdirSync(join(whole, '..'), { recursive: true });
      writeFileSync(whole, Buffer.alloc(64 << 10), { flush: true });
      // Long ago, or what is written in the same tick of the clock changes no times.
      utimesSync(whole, 1, 1);
      return whole;
    };
    const usesOf = async (place: Place): Promise<VolumeUse[]> => {
      const device = deviceOf(here.disk!.folder);
      return (await here.program!.read()).filter(
        (use) => use.cgroupId === idOf(place) && use.device === device,
      );
    };

    for (const act of told(name))
      test(`${act} is told of, with its directories`, async () => {
        const place = placeOf();
        const path = file(`${act}/deep/file`);
        await place.ran(write(), act, path, '4096');
        const [use] = await usesOf(place);
        assert.ok(use, 'told');
        const above = [join(path, '..'), join(path, '../..'), here.disk!.mountPoint];
        assert.ok(
          above.map((each) => statSync(each).ino).includes(use.above[0]!),
          `${use.above.join()} is none of ${above.join()}`,
        );
      });

    test('who reads, or only opens, is not told of', async () => {
      const place = placeOf();
      for (const act of untold) {
        const path = file(`quiet/${act}`);
        // It was read before it was written: whoever reads it now changes its times.
        utimesSync(path, 1, new Date());
        if (act === 'keep') await place.workAs(write(), act, path);
        else await place.ran(write(), act, path, '4096');
      }
      await here.program!.walk();
      assert.deepEqual(await usesOf(place), []);
    });

    test('what is open for writing is found by a walk, with its mount', async () => {
      const place = placeOf();
      const path = file('held/file');
      await place.workAs(write(), 'hold', path);
      assert.deepEqual(await usesOf(place), []);
      await here.program!.walk();
      const [use, ...others] = await usesOf(place);
      assert.deepEqual(others, []);
      const [, id] = new RegExp(`^(\\d+) .* ${here.disk!.mountPoint} `, 'm').exec(
        readFileSync('/proc/self/mountinfo', 'utf8'),
      )!;
      assert.equal(use?.mountId, Number(id));
      await here.program!.walk();
      assert.deepEqual(await usesOf(place), [], 'once');
    });

    test('what is settled is not told of, until it is not', async () => {
      const place = placeOf();
      const uses = { cgroupId: idOf(place), device: deviceOf(here.disk!.folder) };
      here.program!.settle(uses);
      await place.ran(write(), 'write', file('settled/file'), '4096');
      await place.workAs(write(), 'hold', file('settled/held'));
      await here.program!.walk();
      assert.deepEqual(await usesOf(place), []);
      here.program!.unsettle(uses);
      await place.ran(write(), 'write', file('settled/other'), '4096');
      await here.program!.walk();
      assert.equal((await usesOf(place)).length, 2);
    });

    test('what finds no place is counted, and told of once there is place again', async () => {
      const program = await listening({ maxUses: 4 });
      try {
        const place = placeOf();
        const paths = Array.from({ length: 8 }, (_, i) => file(`many/${i}/file`));
        const writeAll = async (): Promise<void> => {
          for (const path of paths) await place.ran(write(), 'direct', path, '4096');
          // Whoever comes first finds place.
          paths.push(...paths.splice(0, 3));
        };
        await writeAll();
        const refused = (): number => program.figures().refused[0]!.count;
        assert.ok(refused() > 0, 'refused');
        const directories = new Set<string>();
        for (let i = 0; i < 50 && directories.size < paths.length; i++) {
          const uses = (await program.read()).filter(({ cgroupId }) => cgroupId === idOf(place));
          for (const { key } of uses) directories.add(Buffer.from(key).toString('hex'));
          await writeAll();
        }
        assert.equal(directories.size, paths.length);
      } finally {
        program.close();
      }
    });
  });
