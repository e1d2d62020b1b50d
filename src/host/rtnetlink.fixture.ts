import { RTM_NEWADDR, RTM_NEWLINK } from './rtnetlink.ts';

const padded = (buffer: Buffer): Buffer => Buffer.concat([buffer, Buffer.alloc(-buffer.length & 3)]);

function attribute(type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16LE(4 + payload.length, 0);
  header.writeUInt16LE(type, 2);
  return padded(Buffer.concat([header, payload]));
}

function message(type: number, fixed: Buffer, attributes: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(16);
  const body = Buffer.concat([fixed, ...attributes]);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE(type, 4);
  return padded(Buffer.concat([header, body]));
}

/** An interface with its counters. */
export function link(index: number, name: string, operState: number, stats: readonly bigint[]): Buffer {
  const fixed = Buffer.alloc(16);
  fixed.writeInt32LE(index, 4);
  const counters = Buffer.alloc(192);
  stats.forEach((value, i) => counters.writeBigUInt64LE(value, i * 8));
  return message(RTM_NEWLINK, fixed, [
    attribute(3, Buffer.from(`${name}\0`)),
    attribute(16, Buffer.of(operState)),
    attribute(23, counters),
  ]);
}

/** An address of an interface, of 4 or 16 bytes. */
export function address(
  index: number,
  bytes: readonly number[],
  peer?: readonly number[],
  prefixBits = bytes.length * 6,
): Buffer {
  const fixed = Buffer.alloc(8);
  fixed.writeUInt8(prefixBits, 1);
  fixed.writeInt32LE(index, 4);
  const local = attribute(2, Buffer.from(bytes));
  return message(
    RTM_NEWADDR,
    fixed,
    peer ? [attribute(1, Buffer.from(peer)), local] : [attribute(1, Buffer.from(bytes))],
  );
}
