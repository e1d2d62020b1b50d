import { lstat, readdir, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';

import { closeQuietly, openedBy, type Opened } from './opened.ts';
import type { Followed } from './followed.ts';

/** Of more files in one directory the others are not looked at. */
const maxNames = 10_000;
/** So many files between the one that is read and the one at the path are read too. */
const maxBetween = 16;
/** What rotation puts behind a name: `.1`, `-20060102`, `.20060102-150405`. Compressed files have more. */
const rotatedSuffix = /^[.-]\d[\d.:TZ_-]{0,40}$/;

interface Sibling {
  readonly name: string;
  readonly stat: BigIntStats;
}

/** Regular files of the directory; none where it cannot be read. */
async function siblings(followed: Followed): Promise<Sibling[]> {
  const { directory } = followed;
  if (directory === undefined || !('openSibling' in followed)) return [];
  const found: Sibling[] = [];
  const names = await readdir(directory).catch(() => []);
  for (const name of names.slice(0, maxNames)) {
    const stat = await lstat(join(directory, name), { bigint: true }).catch(() => undefined);
    if (stat?.isFile() === true) found.push({ name, stat });
  }
  return found;
}

/** When names in the directory were changed last; undefined where it cannot be told. */
export async function changedNs({ directory }: Followed): Promise<bigint | undefined> {
  if (directory === undefined) return undefined;
  return (await stat(directory, { bigint: true }).catch(() => undefined))?.mtimeNs;
}

const nameOf = (all: readonly Sibling[], inode: bigint): string | undefined =>
  all.find(({ stat }) => stat.ino === inode)?.name;

/** The file with this inode under another name; undefined when it is gone. */
export async function siblingOf(followed: Followed, inode: string): Promise<Opened | undefined> {
  for (const { name, stat } of await siblings(followed)) {
    if (String(stat.ino) !== inode) continue;
    const opened = await openedBy(() => followed.openSibling!(name));
    if (typeof opened === 'string') continue;
    if (String(opened.stat.ino) === inode) return opened;
    closeQuietly(opened.fd);
  }
  return undefined;
}

/**
 * What is to be read after `old`, in the order in which it was written: rotated files that nobody has seen at the path, and `current`, that
 * was there; undefined: there is none now. `isKnown` tells those that have been read.
 */
export async function filesAfter(
  followed: Followed,
  old: BigIntStats,
  current: Opened | undefined,
  isKnown: (file: Opened) => boolean,
): Promise<Opened[]> {
  const all = await siblings(followed);
  const base = followed.name ?? nameOf(all, (current?.stat ?? old).ino);
  const rotated = all
    .filter(({ name, stat }) => isRotated(name, base) && stat.ino !== old.ino && stat.mtimeNs >= old.mtimeNs)
    .sort((one, other) => Number(one.stat.mtimeNs - other.stat.mtimeNs))
    .slice(-maxBetween);
  const files: Opened[] = [];
  for (const { name, stat } of rotated) {
    // Rotated since it was opened.
    if (stat.ino === current?.stat.ino) {
      files.push(current);
      continue;
    }
    const file = await openedBy(() => followed.openSibling!(name));
    if (typeof file === 'string') continue;
    if (file.stat.ino === stat.ino && !isKnown(file)) files.push(file);
    else closeQuietly(file.fd);
  }
  if (current !== undefined && !files.includes(current)) files.push(current);
  return files;
}

const isRotated = (name: string, base: string | undefined): boolean =>
  base !== undefined && name.startsWith(base) && rotatedSuffix.test(name.slice(base.length));
