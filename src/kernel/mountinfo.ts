/** One mount as a process sees it. */
export interface Mount {
  /** Given again to another mount once this one is gone. */
  readonly id: number;
  /** `8:1`: major and minor of the file system; major 0 where it is on no block device. */
  readonly device: string;
  /** Which directory of the file system is mounted: `/` for all of it. */
  readonly root: string;
  readonly mountPoint: string;
  readonly isReadOnly: boolean;
  readonly type: string;
  /** Options of the file system itself; on cgroup v1 these name the controllers. */
  readonly superOptions: readonly string[];
}

/** Reads `/proc/<pid>/mountinfo`; lines that do not parse are left out. Source: proc_pid_mountinfo(5). */
export function parseMountinfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [left, right] = line.split(' - ');
    const [id, , device, root, mountPoint, options = ''] = left?.split(' ') ?? [];
    const [type, , superOptions] = right?.split(' ') ?? [];
    if (!/^\d+$/.test(id ?? '') || !/^\d+:\d+$/.test(device ?? '') || !root || !mountPoint || !type)
      return [];
    return [
      {
        id: Number(id),
        device: device!,
        root: unescape(root),
        mountPoint: unescape(mountPoint),
        isReadOnly: `${options},${superOptions}`.split(',').includes('ro'),
        type,
        superOptions: superOptions?.split(',') ?? [],
      },
    ];
  });
}

/** Blank, tab, newline and backslash come as three octal digits. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
