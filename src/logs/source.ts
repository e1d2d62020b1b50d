import { fstatSync, readSync } from 'node:fs';
import { confirmed, noFingerprint, type Fingerprint } from './fingerprint.ts';
import type { Lines } from './lines.ts';
import { closeQuietly } from './opened.ts';

/** Which bytes these are: a file from its creation, or its last truncation, on. */
export interface Identity {
  readonly device: string;
  readonly inode: string;
  fingerprint: Fingerprint;
}

/** One file that is being read. */
export interface Source {
  /** Undefined: parked, or not found again yet. */
  fd: number | undefined;
  identity: Identity;
  /** Of the next byte to read. */
  offset: number;
  /** As seen last; at least `offset`. */
  sizeBytes: number;
  /** When it was written to last, as seen last. */
  modifiedMs: number;
  /** False: the file has no name any more. */
  isLinked: boolean;
  /** A writer without O_APPEND leaves a hole where the file was truncated: its bytes are nothing. */
  skipsHole: boolean;
  readonly lines: Lines;
}

export function sourceAt(fd: number | undefined, identity: Identity, offset: number, lines: Lines): Source {
  return {
    fd,
    identity,
    offset,
    sizeBytes: offset,
    modifiedMs: NaN,
    isLinked: true,
    skipsHole: false,
    lines,
  };
}

/**
 * Reads the bytes at `offset`; answers how many, 0 at the end, undefined when the file has been truncated. What is read counts only if the
 * file's beginning is afterwards still the one it was: it may be truncated, and written to again, at any time. Throws what fstat(2) and
 * read(2) fail with.
 */
export function readNext(source: Source, into: Buffer): number | undefined {
  const fd = source.fd!;
  const { size, nlink, mtimeMs } = fstatSync(fd);
  source.isLinked = nlink > 0;
  const isUntouched = mtimeMs === source.modifiedMs;
  source.modifiedMs = mtimeMs;
  if (size < source.offset) return undefined;
  if (size === source.offset) {
    // Written to, and as long as before: it may have been truncated in between.
    return isUntouched || confirmed(fd, source.identity.fingerprint) !== undefined ? 0 : undefined;
  }
  const bytes = readSync(fd, into, 0, into.length, source.offset);
  const fingerprint = confirmed(fd, source.identity.fingerprint);
  if (fingerprint === undefined) return undefined;
  // A size that is not true, or a truncation that the next look will see.
  if (bytes === 0) return 0;
  source.identity.fingerprint = fingerprint;
  source.sizeBytes = Math.max(size, source.offset + bytes);
  return bytes;
}

/** No log grows by more between two looks: what is larger has been written over in place, as `lastlog` is. */
const maxRegrownBytes = 64 << 20;

/**
 * Begins again after a truncation: at byte 0, or behind the hole that a writer without O_APPEND leaves there. Answers how many bytes had
 * been seen and not read. Throws what fstat(2) and read(2) fail with.
 */
export function restart(source: Source): number {
  const fd = source.fd!;
  const destroyed = source.sizeBytes - source.offset;
  const { size, blocks } = fstatSync(fd);
  const head = Buffer.alloc(1, 1);
  readSync(fd, head, 0, 1, 0);
  source.skipsHole = head[0] === 0;
  if (source.skipsHole) source.offset = Math.max(0, size - blocks * 512);
  else source.offset = size > maxRegrownBytes ? endOf(fd) : 0;
  source.sizeBytes = source.offset;
  const { device, inode } = source.identity;
  source.identity = { device, inode, fingerprint: noFingerprint };
  return destroyed;
}

/** Where reading begins that is to give only what is written from now on: behind the last newline, so that the first line is whole. */
export function endOf(fd: number): number {
  const { size } = fstatSync(fd);
  const last = Buffer.allocUnsafe(Math.min(size, 65_536));
  const start = size - last.length;
  const bytes = readSync(fd, last, 0, last.length, start);
  const newline = last.lastIndexOf(0x0a, bytes - 1);
  return bytes < last.length || newline === -1 ? size : start + newline + 1;
}

export function closeSource(source: Source): void {
  const { fd } = source;
  source.fd = undefined;
  if (fd !== undefined) closeQuietly(fd);
}
