/** One mount as a process sees it. */
export interface Mount {
  readonly mountPoint: string;
  /** Which directory of the file system is mounted: `/` for all of it. */
  readonly root: string;
  readonly type: string;
  /** Options of the file system itself; on cgroup v1 these name the controllers. */
  readonly superOptions: readonly string[];
}

/** Reads `/proc/<pid>/mountinfo`; lines that do not parse are left out. Source: proc_pid_mountinfo(5). */
export function parseMountinfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [left, right] = line.split(' - ');
    const [, , , root, mountPoint] = left?.split(' ') ?? [];
    const [type, , superOptions] = right?.split(' ') ?? [];
    if (!root || !mountPoint || !type) return [];
    return [
      {
        mountPoint: unescape(mountPoint),
        root: unescape(root),
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
