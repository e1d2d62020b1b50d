/**
 * Messages of netlink(7) and their attributes (include/uapi/linux/netlink.h). Numbers are of the host's byte order, which is
 * little-endian on every architecture we run on. Torn ones are left out.
 */

const headerBytes = 16;

/** Length-prefixed parts, padded to 4 bytes; ends at the first that does not fit. */
function* parts(
  buffer: Buffer,
  lengthOf: (at: number) => number,
  leastBytes: number,
): Generator<[at: number, end: number]> {
  for (let at = 0; at + leastBytes <= buffer.length;) {
    const length = lengthOf(at);
    if (length < leastBytes || at + length > buffer.length) return;
    yield [at, at + length];
    at += (length + 3) & ~3;
  }
}

/** What follows the header of each message of one type. */
export function* messages(dump: Buffer, wanted: number): Generator<Buffer> {
  for (const [at, end] of parts(dump, (offset) => dump.readUInt32LE(offset), headerBytes)) {
    if (dump.readUInt16LE(at + 4) === wanted) yield dump.subarray(at + headerBytes, end);
  }
}

/** Attributes of a message or of another attribute, by type; the two highest bits of the type are flags. */
export function attributes(payload: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (const [at, end] of parts(payload, (offset) => payload.readUInt16LE(offset), 4)) {
    found.set(payload.readUInt16LE(at + 2) & 0x3fff, payload.subarray(at + 4, end));
  }
  return found;
}
