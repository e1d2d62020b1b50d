/** An unsigned 64-bit number as the programs keep it: exact up to 2^53, without the cost of a BigInt. */
export function uint64(bytes: Buffer, at = 0): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}
