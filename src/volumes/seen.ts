import type { Mount } from '../kernel/mountinfo.ts';
import type { Sighting } from './sightings.ts';
import { isSpotOf, placer, type SpotReader } from './spots.ts';
import type { View } from './views.ts';

/** Mounts of one container that are looked at to find the one by the inode of its root. */
const maxCandidates = 256;

/** ZFS has devices of its own kind: major 0, as those file systems have that are on no disk. */
function isOnDisk({ device, type }: Mount): boolean {
  return !device.startsWith('0:') || type === 'zfs';
}

/**
 * The mounts that sightings of one container are of: by their ids or, where these are of another mount namespace or not known,
 * by the nearest directory above the file that is the root of a mount.
 */
export async function mountsOf(
  view: View,
  seen: readonly Sighting[],
  spots: SpotReader,
  owner: string,
): Promise<Mount[]> {
  const onDisk = view.mounts.filter(isOnDisk);
  const byId = new Map(onDisk.map((mount) => [mount.id, mount]));
  const found: Mount[] = [];
  const rest: Sighting[] = [];
  for (const sighting of seen) {
    const mount = byId.get(sighting.mountId);
    if (mount !== undefined && (sighting.device ?? mount.device) === mount.device) found.push(mount);
    else if (sighting.above.length > 0) rest.push(sighting);
  }
  const byRoot = await rootsOf(view, onDisk, new Set(rest.map(({ device }) => device)), spots, owner);
  for (const { device, above } of rest) {
    const nearest = above.map((inode) => byRoot.get(`${device} ${inode}`)).find(Boolean);
    if (nearest !== undefined) found.push(nearest);
  }
  return found;
}

/** Mounts by device and inode of their root. Nobody writes to those that are read-only. */
async function rootsOf(
  view: View,
  mounts: readonly Mount[],
  devices: ReadonlySet<string | undefined>,
  spots: SpotReader,
  owner: string,
): Promise<Map<string, Mount>> {
  const { pid, startTicks } = view;
  const placeOf = placer(view.mounts, owner);
  const candidates = mounts
    .filter(({ device, isReadOnly }) => devices.has(device) && !isReadOnly)
    .slice(-maxCandidates);
  const found = await spots(
    candidates.map((mount) => ({ pid, startTicks, path: mount.mountPoint, place: placeOf(mount) })),
  );
  const byRoot = new Map<string, Mount>();
  for (const [i, mount] of candidates.entries()) {
    const spot = found[i];
    if (isSpotOf(spot, mount)) byRoot.set(`${mount.device} ${spot.inode}`, mount);
  }
  return byRoot;
}
