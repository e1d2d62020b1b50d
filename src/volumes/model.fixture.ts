import { parseMountinfo } from '../kernel/mountinfo.ts';
import type { Container, ListedContainer } from '../model/containers.ts';
import type { InsidePath } from '../native/addon.ts';
import { volumeModel, type VolumeModel } from './model.ts';
import { namer } from './names.ts';
import type { Sighting } from './sightings.ts';
import type { Spot } from './spots.ts';

/** A machine with one container; whatever a test changes holds from the next update on. */
export function machine(mountinfo: string, all = false) {
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

export function containerOf(id: string): Fake {
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
export function shown(model: VolumeModel): string[] {
  return [...model.volumes()].flatMap(([{ id }, volumes]) =>
    [...volumes.all()].map(
      ({ labels, mount, space }) =>
        `${id} ${mount.mountPoint} ${String(labels['device'])} ${space === undefined ? '-' : space.sizeBytes}`,
    ),
  );
}

export const table = [
  '20 1 0:50 / / rw - overlay overlay rw',
  '21 20 8:1 /data /data rw - ext4 /dev/sda1 rw',
  '22 21 8:1 /data/inner /inner rw - ext4 /dev/sda1 rw',
  '26 20 8:1 /data/inner/config /config ro,relatime - ext4 /dev/sda1 rw',
  '23 20 0:51 / /tmp rw - tmpfs tmpfs rw',
  '24 20 0:52 / /pool rw - zfs tank/x rw',
].join('\n');

export const byId = (mountId: number, device?: string): Sighting => ({
  mountId,
  above: [],
  ...(device && { device }),
});
