import { tcpLayouts } from '../kernel/layouts.ts';

/** An entry of the kernel's map; what is left out is 0. */
export function listenEntry(
  entry: {
    cgroupId: number;
    address: string | Uint8Array;
    port: number;
    ipv6Only?: boolean;
    netnsInode?: number;
  },
  value: {
    walk: number;
    sockets?: number;
    queue?: number;
    limit?: number;
    drops?: number;
    lastNs?: number;
  },
): Buffer {
  const { listenKey, listenValue, destination } = tcpLayouts;
  const bytes = Buffer.alloc(listenKey.size + listenValue.size);
  const at = listenKey.fields.at.offset;
  bytes.writeBigUInt64LE(BigInt(entry.cgroupId), listenKey.fields.cgroupId.offset);
  bytes.set(bytesOf(entry.address), at + destination.fields.address.offset);
  bytes.writeUInt16LE(entry.port, at + destination.fields.port.offset);
  bytes.writeUInt16LE(entry.ipv6Only === true ? 1 : 0, at + destination.fields.unused.offset);
  bytes.writeUInt32LE(entry.netnsInode ?? 0, listenKey.fields.netns.offset);
  const rest = bytes.subarray(listenKey.size);
  const { fields } = listenValue;
  rest.writeBigUInt64LE(BigInt(value.lastNs ?? 0), fields.lastNs.offset);
  rest.writeBigUInt64LE(BigInt(value.drops ?? 0), fields.drops.offset);
  rest.writeUInt32LE(value.walk, fields.walk.offset);
  rest.writeUInt32LE(value.sockets ?? 1, fields.sockets.offset);
  rest.writeUInt32LE(value.queue ?? 0, fields.queue.offset);
  rest.writeUInt32LE(value.limit ?? 0, fields.limit.offset);
  return bytes;
}

/** 16 bytes; dotted IPv4 in its mapped form. */
export function bytesOf(address: string | Uint8Array): Uint8Array {
  if (typeof address !== 'string') return address;
  return Uint8Array.from([...Array<number>(10).fill(0), 255, 255, ...address.split('.').map(Number)]);
}
