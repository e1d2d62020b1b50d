import { closeSync, constants, fstatSync, open as openFd } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { promisify } from 'node:util';
import { O_PATH } from '../host/files.ts';

const openAsync = promisify(openFd);

/** File systems of this machine, which stamp a directory when names in it change: statfs(2). */
const stamping = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // btrfs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
  0xf2f52010, // F2FS
  0x2fc12fc1, // ZFS
]);
/** Some count whole seconds: two changes in the same one leave one stamp. */
const tellingAfterMs = 2000;

/** The names in one directory. */
export interface Names {
  /** Before they are looked at. */
  mark(): void;
  /** False also where it cannot be told. */
  areAsMarked(): boolean;
  close(): void;
}

/** Undefined where the file system does not tell, or the directory cannot be opened. It stays open: looking costs one fstat(2). */
export async function namesIn(
  directory: string,
  nowMs: () => number = Date.now,
  afterMs = tellingAfterMs,
): Promise<Names | undefined> {
  const fd = await openAsync(directory, O_PATH | constants.O_DIRECTORY).catch(() => undefined);
  if (fd === undefined) return undefined;
  const type = await statfs(`/proc/self/fd/${fd}`).catch(() => undefined);
  if (type === undefined || !stamping.has(type.type)) {
    closeSync(fd);
    return undefined;
  }
  let marked: bigint | undefined;
  return {
    mark() {
      const { ctimeNs, ctimeMs } = fstatSync(fd, { bigint: true });
      marked = nowMs() - Number(ctimeMs) > afterMs ? ctimeNs : undefined;
    },
    areAsMarked: () => marked !== undefined && fstatSync(fd, { bigint: true }).ctimeNs === marked,
    close: () => closeSync(fd),
  };
}
