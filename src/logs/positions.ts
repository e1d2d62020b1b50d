import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { codeOf, messageOf } from '../errors.ts';
import { withHandle } from '../host/files.ts';
import { isHeldEntry, type Entry } from './attribution.ts';
import { isFingerprint } from './fingerprint.ts';
import { isSamePosition, type Position } from './followed.ts';
import { openStateDirectory } from './state-directory.ts';

/** Positions in files and in the journal, kept over restarts in `positions.json` of the state directory. */
export interface Positions {
  get(id: string): Position | undefined;
  /** Where reading the journal goes on: what libsystemd calls a cursor. */
  cursor: string | undefined;
  /** Entries of the journal before it that wait to be counted. */
  held: readonly Entry[];
  /** From now on what `current` tells is written, once a second at most, while it changes. What it tells no longer is forgotten. */
  keep(current: () => Iterable<readonly [string, Position]>): void;
  readonly figures: PositionFigures;
  /** Writes for the last time. Never rejects. */
  close(): Promise<void>;
}

export interface PositionFigures {
  readonly entries: number;
  readonly writes: number;
  readonly failedWrites: number;
  /** Positions that were dropped since there were too many. */
  readonly dropped: number;
}

export interface PositionsOptions {
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
  readonly maxEntries?: number;
  readonly everyMs?: number;
}

const fileName = 'positions.json';
const maxFileBytes = 32 << 20;
const maxIdLength = 4096;
/** sd_journal_get_cursor(3). */
const cursorShape = /^[\w=;-]{1,1024}$/;

/** AgentError as of `openStateDirectory`. A file that cannot be understood is set aside as `positions.json.damaged`. */
export async function openPositions(
  path: string,
  { log, maxEntries = 20_000, everyMs = 1000 }: PositionsOptions,
): Promise<Positions> {
  const directory = await openStateDirectory(path);
  const at = `/proc/self/fd/${directory.fd}/${fileName}`;
  const { entries, ...stored } = await read();
  let { cursor, held = [] } = stored;
  let current: (() => Iterable<readonly [string, Position]>) | undefined;
  let live = new Set<string>();
  let isChanged = false;
  let lastFailure: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
  const figures = { writes: 0, failedWrites: 0, dropped: 0 };
  bound();

  async function read(): Promise<Stored> {
    try {
      const text = await readOwn(at);
      return text === undefined ? { entries: new Map() } : parsePositions(text);
    } catch (error) {
      const fields = { path: `${path}/${fileName}`, err: messageOf(error) };
      const isMoved = await rename(at, `${at}.damaged`).then(
        () => true,
        () => false,
      );
      log.warn(
        fields,
        `positions in logs are damaged: files are read from their end${isMoved ? '; set aside as *.damaged' : ''}`,
      );
      return { entries: new Map() };
    }
  }

  /** Takes over what has changed; those that changed last come last. */
  function gather(): void {
    if (current === undefined) return;
    const told = new Set<string>();
    for (const [id, position] of current()) {
      if (id.length > maxIdLength) continue;
      told.add(id);
      const before = entries.get(id);
      if (before !== undefined && isSamePosition(before, position)) continue;
      entries.delete(id);
      entries.set(id, position);
      isChanged = true;
    }
    for (const id of live) if (!told.has(id) && entries.delete(id)) isChanged = true;
    live = told;
    bound();
  }

  function bound(): void {
    for (const id of entries.keys()) {
      if (entries.size <= maxEntries) return;
      entries.delete(id);
      figures.dropped++;
    }
  }

  async function write(): Promise<void> {
    gather();
    if (!isChanged) return;
    isChanged = false;
    try {
      await replace(
        directory,
        at,
        JSON.stringify({ version: 1, positions: Object.fromEntries(entries), cursor, held }),
      );
      figures.writes++;
      if (lastFailure !== undefined) log.info({ path }, 'positions in logs are kept again');
      lastFailure = undefined;
    } catch (error) {
      isChanged = true;
      figures.failedWrites++;
      const code = codeOf(error);
      if (code !== lastFailure)
        log.warn({ path, err: messageOf(error) }, 'positions in logs cannot be kept; it is tried again');
      lastFailure = code;
    }
  }

  const schedule = (): void => {
    timer = setTimeout(() => {
      writing = write().then(schedule);
    }, everyMs).unref();
  };

  return {
    get: (id) => entries.get(id),
    get cursor() {
      return cursor;
    },
    set cursor(now) {
      isChanged ||= now !== cursor;
      cursor = now;
    },
    get held() {
      return held;
    },
    set held(now) {
      isChanged ||= now.length > 0 || held.length > 0;
      held = now;
    },
    keep(of) {
      current = of;
      if (timer === undefined) schedule();
    },
    get figures() {
      return { entries: entries.size, ...figures };
    },
    async close() {
      clearTimeout(timer);
      await writing;
      clearTimeout(timer);
      await write();
      await directory.close();
    },
  };
}

/** Undefined when there is none. Throws for what is not a file of ours. */
async function readOwn(path: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  return withHandle(file, async () => {
    const stat = await file.stat();
    if (!stat.isFile() || stat.uid !== process.getuid!()) throw new Error('no file of our own');
    if (stat.size > maxFileBytes) throw new Error(`larger than ${maxFileBytes} bytes`);
    return file.readFile('utf8');
  });
}

/** What the file says. */
interface Stored {
  readonly entries: Map<string, Position>;
  readonly cursor?: string;
  readonly held?: readonly Entry[];
}

function parsePositions(text: string): Stored {
  const {
    version,
    positions,
    cursor,
    held = [],
  } = JSON.parse(text) as Partial<Record<'version' | 'positions' | 'cursor' | 'held', unknown>>;
  if (version !== 1 || typeof positions !== 'object' || positions === null) throw new Error('no positions');
  if (cursor !== undefined && (typeof cursor !== 'string' || !cursorShape.test(cursor)))
    throw new Error('no cursor');
  if (!Array.isArray(held) || !held.every(isHeldEntry)) throw new Error('no entries of the journal');
  const entries = new Map(
    Object.entries(positions).map(([id, value]) => {
      if (!isPosition(value) || id.length > maxIdLength) throw new Error('no position');
      const { device, inode, offset, fingerprint } = value;
      return [id, { device, inode, offset, fingerprint }] as const;
    }),
  );
  return { entries, held, ...(cursor !== undefined && { cursor }) };
}

function isPosition(value: unknown): value is Position {
  if (typeof value !== 'object' || value === null) return false;
  const { device, inode, offset, fingerprint } = value as Partial<Record<keyof Position, unknown>>;
  return (
    isDecimal(device) &&
    isDecimal(inode) &&
    Number.isSafeInteger(offset) &&
    Number(offset) >= 0 &&
    isFingerprint(fingerprint)
  );
}

const isDecimal = (value: unknown): boolean => typeof value === 'string' && /^\d{1,20}$/.test(value);

/** After a crash there is the old file or the new one, whole. */
async function replace(directory: FileHandle, path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    await withHandle(await open(fresh, flags, 0o600), async (file) => {
      await file.writeFile(text);
      await file.sync();
    });
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => {});
    throw error;
  }
  await directory.sync();
}
