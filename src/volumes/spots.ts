import { deviceName } from '../host/disks.ts';
import type { Mount } from '../kernel/mountinfo.ts';
import type { Addon, InsidePath } from '../native/addon.ts';

export interface Space {
  readonly sizeBytes: number;
  readonly usedBytes: number;
  /** Free, but for root alone. */
  readonly reservedBytes: number;
}

/** What is at a mount point; `hangs`: the file system does not answer; undefined: it cannot be looked at. */
export type Spot =
  | { readonly mountId: number; readonly inode: number; readonly device: string; readonly space: Space }
  | 'hangs'
  | undefined;

export type SpotReader = (paths: readonly InsidePath[]) => Promise<Spot[]>;

const deadlineMs = 400;
/** errno(3). */
const [ETIMEDOUT, EBUSY] = [110, 16];
const figuresEach = 6;

/** By the addon; without it nothing can be looked at. */
export function spotReader(addon: Addon | undefined): SpotReader {
  if (addon === undefined) return async (paths) => paths.map(() => undefined);
  return async (paths) => {
    if (paths.length === 0) return [];
    const { errors, figures } = await addon.statInside(paths, deadlineMs);
    return paths.map((_, i) => {
      if (errors[i] === ETIMEDOUT || errors[i] === EBUSY) return 'hangs';
      if (errors[i] !== 0) return undefined;
      const [mountId = 0, inode = 0, device = 0, sizeBytes = 0, freeBytes = 0, availableBytes = 0] =
        figures.subarray(i * figuresEach, (i + 1) * figuresEach);
      const space = {
        sizeBytes,
        usedBytes: Math.max(sizeBytes - freeBytes, 0),
        reservedBytes: Math.max(freeBytes - availableBytes, 0),
      };
      return { mountId, inode, device: deviceName(device), space };
    });
  };
}

/** The very mount, and not what has come in its place or lies over it. Some file systems on no disk have devices for each part. */
export function isSpotOf(spot: Spot, { id, device }: Mount): spot is Exclude<Spot, 'hangs' | undefined> {
  if (typeof spot !== 'object' || spot.mountId !== id) return false;
  return spot.device === device || device.startsWith('0:');
}

/** On no disk, but nobody has to answer for them. */
const reliable = new Set(['overlay', 'tmpfs', 'btrfs', 'zfs']);

/**
 * What hangs with what: those on one device, but whose path leads through a file system that somebody else answers for (NFS,
 * FUSE) hangs with its container alone, or one dead mount would take the disk below it from all others.
 */
export function placer(mounts: readonly Mount[], owner: string): (mount: Mount) => string {
  const shaky = mounts
    .filter(({ device, type }) => device.startsWith('0:') && !reliable.has(type))
    .map(({ mountPoint }) => (mountPoint.endsWith('/') ? mountPoint : `${mountPoint}/`));
  return ({ device, mountPoint }) =>
    shaky.some((above) => mountPoint.startsWith(above) && mountPoint !== above) ? `in ${owner}` : device;
}
