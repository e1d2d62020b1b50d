/** File systems on block devices of their own: the disks of a virtual machine, or loop devices of this one. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onlyVirtual } from '../nodes/virtual.ts';

export interface Disk {
  readonly mountPoint: string;
  /** A folder of this process on it. */
  readonly folder: string;
  /** Label `device` of its volumes. */
  readonly device: string;
  remove(): void;
}

export type DiskName = 'whole' | 'part' | 'xfs';

/** The reason why there is no such disk here, or false. */
export function withoutDisk(name: DiskName): string | false {
  if (name === 'xfs') return spawnSync('mkfs.xfs', ['-V']).status === 0 ? false : 'needs mkfs.xfs';
  if (onlyVirtual === false) return false;
  if (name === 'part') return 'needs a partitioned disk: only in a virtual machine';
  return spawnSync('mke2fs', ['-V']).status === 0 ? false : 'needs mke2fs';
}

/** Mounts it; `remove` takes it away. */
export function disk(name: DiskName): Disk {
  const isLoop = onlyVirtual !== false || name === 'xfs';
  const format = name === 'xfs' ? ['mkfs.xfs', '-q'] : ['mke2fs', '-q', '-t', 'ext4', '-m', '2'];
  const [mountPoint, device] = isLoop
    ? [loop(format), '']
    : [`/mnt/${name}`, name === 'whole' ? 'vdc' : 'vdd'];
  const folder = mkdtempSync(join(mountPoint, 'volumes-'));
  return {
    mountPoint,
    folder,
    device,
    remove() {
      rmSync(folder, { recursive: true, force: true });
      if (!isLoop) return;
      execFileSync('umount', ['-l', mountPoint]);
      rmSync(dirname(mountPoint), { recursive: true });
    },
  };
}

function loop([command = '', ...options]: readonly string[]): string {
  const base = mkdtempSync(join(tmpdir(), 'disk-'));
  const image = join(base, 'image');
  const mountPoint = join(base, 'mounted');
  writeFileSync(image, '');
  truncateSync(image, 320 << 20);
  execFileSync(command, [...options, image]);
  mkdirSync(mountPoint);
  execFileSync('mount', ['-o', 'loop', image, mountPoint]);
  return mountPoint;
}

/** `8:1`: what holds the path. */
export function deviceOf(path: string): string {
  const { dev } = statSync(path);
  // makedev(3): the minor lies around the major.
  return `${(dev >>> 8) & 0xfff}:${(dev & 0xff) | ((dev >>> 12) & 0xfff00)}`;
}
