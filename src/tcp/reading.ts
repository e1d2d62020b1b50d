import { tcpLayouts } from '../kernel/layouts.ts';
import type { TcpReading } from '../kernel/tcp.ts';
import { uint64 } from '../kernel/uint64.ts';
import { endpointText } from './address.ts';

/** Destination of what the kernel could not keep apart. */
export const otherDestination = '~other:0';

/** Which entry of which kernel map. */
export interface TcpKey {
  readonly map: 'tcp_counts' | 'tcp_overflow';
  readonly bytes: Buffer;
}

/** Counters of one entry, since the entry was made. */
export interface TcpCounts {
  readonly successful: number;
  readonly failed: number;
  readonly active: number;
  /** CLOCK_MONOTONIC of the last attempt, or of the last walk that found an open connection. */
  readonly lastNs: number;
}

export interface TcpDestination {
  readonly cgroupId: number;
  readonly destination: string;
  /** 16 bytes; undefined for the overflow entries. */
  readonly address: Uint8Array | undefined;
}

const { tcpKey, tcpValue, destination } = tcpLayouts;
const overflowKeyBytes = 8;

/** The entries of a reading; half an entry at the end of a buffer is left out. */
export function* entriesOf({
  counts,
  overflow,
  walk,
}: TcpReading): Generator<{ key: TcpKey; counts: TcpCounts }> {
  for (const [map, buffer, keyBytes] of [
    ['tcp_counts', counts, tcpKey.size],
    ['tcp_overflow', overflow, overflowKeyBytes],
  ] as const) {
    const entryBytes = keyBytes + tcpValue.size;
    for (let at = 0; at + entryBytes <= buffer.length; at += entryBytes) {
      const bytes = buffer.subarray(at, at + keyBytes);
      yield {
        key: { map, bytes },
        counts: decodeCounts(buffer.subarray(at + keyBytes, at + entryBytes), walk),
      };
    }
  }
}

/** Active connections that were counted in another walk are gone. */
export function decodeCounts(value: Buffer, walk: number): TcpCounts {
  const { successful, failed, lastNs, active, walk: countedIn } = tcpValue.fields;
  return {
    successful: uint64(value, successful.offset),
    failed: uint64(value, failed.offset),
    active: value.readUInt32LE(countedIn.offset) === walk ? value.readUInt32LE(active.offset) : 0,
    lastNs: uint64(value, lastNs.offset),
  };
}

export function decodeKey({ map, bytes }: TcpKey): TcpDestination {
  if (map === 'tcp_overflow')
    return { cgroupId: uint64(bytes, 0), destination: otherDestination, address: undefined };
  const { cgroupId, to } = tcpKey.fields;
  const { address, port } = destination.fields;
  const ip = Buffer.from(
    bytes.subarray(to.offset + address.offset, to.offset + address.offset + address.size),
  );
  return {
    cgroupId: uint64(bytes, cgroupId.offset),
    destination: endpointText(ip, bytes.readUInt16LE(to.offset + port.offset)),
    address: ip,
  };
}
