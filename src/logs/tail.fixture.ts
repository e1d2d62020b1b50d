import { appendFileSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Followed } from './followed.ts';
import { openLog } from './open-file.ts';

export function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'logs-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A file that is followed, and what has been read of it. All is committed at once. */
export function followedFile(directory: string, over: Partial<Followed> = {}, name = 'app.log') {
  const got: string[] = [];
  const ends: number[] = [];
  const path = join(directory, name);
  const followed: Followed = {
    id: name,
    directory,
    name,
    fromStart: true,
    open: () => openLog(path),
    openSibling: (sibling) => openLog(join(directory, sibling)),
    onLine: (line, end) => {
      got.push(line.toString('latin1'));
      ends.push(end);
    },
    committed: () => ends.at(-1) ?? 0,
    ...over,
  };
  return { path, followed, got, ends };
}

/** Appends lines with these numbers to the file. */
export function append(path: string, from: number, to: number): void {
  appendFileSync(
    path,
    numbered(from, to)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

export const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `line ${String(from + i).padStart(8, '0')}`);

/** How many descriptors this process has of what is below a directory. */
export const descriptorsIn = (directory: string): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory);
    } catch {
      return false;
    }
  }).length;
