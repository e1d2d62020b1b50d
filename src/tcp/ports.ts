/** Always counted, even inside an ignored range. */
const alwaysCounted = 50051;

/** One bit a port, 8,192 bytes: set for the ports of the ranges (first and last included), whose connections do not count. */
export function ignoredPortBits(ranges: readonly (readonly [first: number, last: number])[]): Uint8Array {
  const bits = new Uint8Array(65536 / 8);
  for (const [first, last] of ranges) {
    for (let port = Math.max(0, first); port <= Math.min(65535, last); port++) {
      if (port !== alwaysCounted) bits[port >> 3]! |= 1 << (port & 7);
    }
  }
  return bits;
}
