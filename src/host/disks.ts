/** Whole disks as the reference knows them, no loop devices; where the name ends with a digit, a `p` is before the partition. */
const disk = /^(?:(dm-\d+)|((?:s|h|xv|v)d[a-z])\d*|(md\d+|nvme\d+n\d+|mmcblk\d+|rbd\d+)(?:p\d+)?)$/;

/** The whole disk that the block device of this name is, or is a partition of; undefined for others. */
export function wholeDiskOf(device: string): string | undefined {
  return disk.exec(device)?.slice(1).find(Boolean);
}

/** Block devices of /proc/diskstats: names by `major:minor`. */
export function parseDiskNames(text: string): Map<string, string> {
  const rows = text.matchAll(/^ *(\d+) +(\d+) (\S+) .*\n/gm);
  return new Map([...rows].map(([, major, minor, name]) => [`${major}:${minor}`, name!]));
}

/** Inside the kernel the minor has 20 bits (include/linux/kdev_t.h). */
const minorBits = 20;

/** `8:1` of major << 20 | minor. */
export function deviceName(device: number): string {
  return `${device >>> minorBits}:${device & ((1 << minorBits) - 1)}`;
}

export function deviceNumber(name: string): number {
  const [major = 0, minor = 0] = name.split(':').map(Number);
  return ((major << minorBits) | minor) >>> 0;
}
