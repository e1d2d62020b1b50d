import { hash } from 'node:crypto';
import { readSync } from 'node:fs';

/** So many bytes at the beginning of a log tell it from others: they have times in them. */
const maxBytes = 256;
const scratch = Buffer.allocUnsafeSlow(maxBytes);

/** The first bytes of a file, as `bytes:hash`. '0:' fits any file. */
export type Fingerprint = string;
export const noFingerprint: Fingerprint = '0:';

/**
 * Whether the file still begins with the bytes that the fingerprint was taken of. Answers the fingerprint, of more bytes where there are
 * more by now; undefined when it is another file, or has been truncated. Throws what read(2) fails with.
 */
export function confirmed(fd: number, fingerprint: Fingerprint): Fingerprint | undefined {
  const bytes = Number.parseInt(fingerprint, 10);
  const there = readSync(fd, scratch, 0, maxBytes, 0);
  if (there < bytes || taken(bytes) !== fingerprint) return undefined;
  return there === bytes ? fingerprint : taken(there);
}

function taken(bytes: number): Fingerprint {
  return bytes === 0 ? noFingerprint : `${bytes}:${hash('sha1', scratch.subarray(0, bytes), 'base64')}`;
}

/** Of those that `confirmed` answers; what is stored may be damaged. */
export function isFingerprint(value: unknown): value is Fingerprint {
  if (typeof value !== 'string' || value.length > 40) return false;
  const bytes = Number(value.slice(0, value.indexOf(':')));
  return Number.isInteger(bytes) && bytes >= 0 && bytes <= maxBytes && value.startsWith(`${bytes}:`);
}
