import { parseDiskNames, wholeDiskOf } from '../host/disks.ts';
import type { TextReader } from '../host/texts.ts';
import { parseMountinfo, type Mount } from '../kernel/mountinfo.ts';

/** What a mount is called. */
export interface Names {
  /** Name of the whole disk; empty where there is none, or none that is known. */
  readonly device: string;
  /** `major:minor` of that disk. */
  readonly disk: string | undefined;
  /** `pvc-<uuid>` of a persistent volume of Kubernetes, or empty. */
  readonly volume: string;
}

const pvc = /pvc-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/** Reads what the machine has now; undefined where the disks cannot be read, or not in time. */
export async function readNames(
  proc: string,
  readMounts: TextReader,
): Promise<((mount: Mount) => Names) | undefined> {
  const [disks, mounts = ''] = await readMounts([`${proc}/diskstats`, `${proc}/1/mountinfo`]);
  return disks === undefined ? undefined : namer(disks, mounts);
}

/** `diskstats` and the mountinfo of the host. */
export function namer(diskstats: string, mountinfo: string): (mount: Mount) => Names {
  const names = parseDiskNames(diskstats);
  const numbers = new Map([...names].map(([number, name]) => [name, number]));
  const hostMounts = parseMountinfo(mountinfo).filter(({ mountPoint }) => pvc.test(mountPoint));
  return (mount) => {
    const device = wholeDiskOf(names.get(mount.device) ?? '') ?? '';
    return { device, disk: numbers.get(device), volume: volumeOf(mount, hostMounts) };
  };
}

/** By the directory of the file system that is mounted, or by where the host has mounted what that is part of. */
function volumeOf(mount: Mount, hostMounts: readonly Mount[]): string {
  const source = [
    mount.root,
    ...hostMounts
      .filter(({ device, root }) => device === mount.device && isWithin(mount.root, root))
      .map(({ mountPoint }) => mountPoint),
  ];
  return source.map((path) => pvc.exec(path)?.[0]).find(Boolean) ?? '';
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
