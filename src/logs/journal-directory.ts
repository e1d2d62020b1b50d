/** Where journald keeps its files: systemd-journald.service(8). */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../errors.ts';

/** Before /var is there, and where it is not to be written to, files are in the first. */
const places = ['run/log/journal', 'var/log/journal'];

interface Candidate {
  readonly directory: string;
  /** When a file of it was last written to; 0 for none that is in use. */
  readonly writtenMs: number;
}

/**
 * The directory below `root` that has journal files, itself or in the directories of machines in it: that of the machine alone
 * where there is one, because containers may keep their journals beside it. Where both places have some, that which was
 * written to last: the other is what journald has left behind. Undefined: there is none.
 */
export async function journalDirectory(root: string): Promise<string | undefined> {
  const machine = await readFile(join(root, '/etc/machine-id'), 'utf8').then(
    (id) => id.trim(),
    () => '',
  );
  const all = places.map((place) => join(root, '/', place));
  const own = isMachine(machine) ? await best(all.map((directory) => join(directory, machine))) : undefined;
  return own ?? (await best(all, true));
}

async function best(directories: readonly string[], withMachines = false): Promise<string | undefined> {
  let found: Candidate | undefined;
  for (const directory of directories) {
    const writtenMs = await lastWritten(directory, withMachines);
    if (writtenMs !== undefined && writtenMs > (found?.writtenMs ?? -1)) found = { directory, writtenMs };
  }
  return found?.directory;
}

/** Undefined: it has no journal files. */
async function lastWritten(directory: string, withMachines: boolean): Promise<number | undefined> {
  let last: number | undefined;
  for (const name of await namesIn(directory)) {
    const path = join(directory, name);
    let writtenMs: number | undefined;
    if (isJournal(name)) writtenMs = isInUse(name) ? await modified(path) : 0;
    else if (withMachines && isMachine(name)) writtenMs = await lastWritten(path, false);
    if (writtenMs !== undefined) last = Math.max(last ?? 0, writtenMs);
  }
  return last;
}

function isMachine(name: string): boolean {
  return /^[0-9a-f]{32}$/.test(name);
}

/** With `~`: what journald has put aside because it was not closed well. */
function isJournal(name: string): boolean {
  return /\.journal~?$/.test(name);
}

/** Not one that has been rotated. */
function isInUse(name: string): boolean {
  return !/[@~]/.test(name);
}

async function modified(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return [];
    throw error;
  }
}
