import { tcpLayouts } from '../kernel/layouts.ts';
import type { TcpMap, TcpReading } from '../kernel/tcp-program.ts';
import { uint64 } from '../kernel/uint64.ts';
import { endpointText } from '../model/address.ts';

/** Destination of what the kernel could not keep apart. */
export const otherDestination = '~other:0';

/** Which entry of which kernel map. */
export interface TcpKey {
  readonly map: TcpMap & ('tcp_counts' | 'tcp_overflow');
  readonly bytes: Buffer;
}

/** Why connects fail; the label `reason`, in the order of `enum tcp_failure`. */
export const failureReasons = ['refused', 'timeout', 'unreachable', 'cancelled', 'no_port'] as const;

/** What only grows, since the entry was made. Connections that come in count as successful when they are accepted. */
export interface TcpTotals {
  successful: number;
  connectNs: number;
  /** By `failureReasons`. */
  readonly failed: number[];
  /** Bytes of payload. */
  bytesSent: number;
  bytesReceived: number;
  /** Segments; those of connections that were established already. */
  retransmits: number;
  synRetransmits: number;
  resets: number;
}

/** Counters of one entry. */
export interface TcpCounts {
  readonly totals: TcpTotals;
  readonly active: number;
  /** CLOCK_MONOTONIC of the last attempt, or of the last walk that found an open connection. */
  readonly lastNs: number;
}

/** What an entry is about. */
export interface TcpSubject {
  readonly cgroupId: number;
  /** Whether connections come in; then `destination` is the own address. */
  readonly inbound: boolean;
  readonly destination: string;
  /** Behind NAT; empty for connections that come in and for those that could not be kept apart. */
  readonly actual: string;
  /** 16 bytes each; undefined for the overflow entries. */
  readonly address: Uint8Array | undefined;
  readonly actualAddress: Uint8Array | undefined;
}

const { tcpKey, tcpValue, destination } = tcpLayouts;

export function noTotals(): TcpTotals {
  return {
    successful: 0,
    connectNs: 0,
    failed: failureReasons.map(() => 0),
    bytesSent: 0,
    bytesReceived: 0,
    retransmits: 0,
    synRetransmits: 0,
    resets: 0,
  };
}

export function addTotals(to: TcpTotals, more: TcpTotals): void {
  to.successful += more.successful;
  to.connectNs += more.connectNs;
  for (let reason = 0; reason < failureReasons.length; reason++)
    to.failed[reason]! += more.failed[reason] ?? 0;
  to.bytesSent += more.bytesSent;
  to.bytesReceived += more.bytesReceived;
  to.retransmits += more.retransmits;
  to.synRetransmits += more.synRetransmits;
  to.resets += more.resets;
}

export function failures(totals: TcpTotals): number {
  return totals.failed.reduce((sum, count) => sum + count, 0);
}

/** The entries of a reading; half an entry at the end of a buffer is left out. */
export function* entriesOf({
  counts,
  overflow,
  walk,
}: Pick<TcpReading, 'counts' | 'overflow' | 'walk'>): Generator<{ key: TcpKey; counts: TcpCounts }> {
  const entryBytes = tcpKey.size + tcpValue.size;
  for (const [map, buffer] of [
    ['tcp_counts', counts],
    ['tcp_overflow', overflow],
  ] as const) {
    for (let at = 0; at + entryBytes <= buffer.length; at += entryBytes) {
      const value = buffer.subarray(at + tcpKey.size, at + entryBytes);
      yield { key: { map, bytes: buffer.subarray(at, at + tcpKey.size) }, counts: decodeCounts(value, walk) };
    }
  }
}

/** Active connections that were counted in another walk are gone. */
export function decodeCounts(value: Buffer, walk: number): TcpCounts {
  const { failed, lastNs, active, walk: countedIn, ...fields } = tcpValue.fields;
  const total = (field: { offset: number }): number => uint64(value, field.offset);
  return {
    totals: {
      successful: total(fields.successful),
      connectNs: total(fields.connectNs),
      failed: failureReasons.map((_, index) => uint64(value, failed.offset + 8 * index)),
      bytesSent: total(fields.bytesSent),
      bytesReceived: total(fields.bytesReceived),
      retransmits: total(fields.retransmits),
      synRetransmits: total(fields.synRetransmits),
      resets: total(fields.resets),
    },
    active: value.readUInt32LE(countedIn.offset) === walk ? value.readUInt32LE(active.offset) : 0,
    lastNs: total(lastNs),
  };
}

export function decodeKey({ map, bytes }: TcpKey): TcpSubject {
  const cgroupId = uint64(bytes, tcpKey.fields.cgroupId.offset);
  const to = endAt(bytes, tcpKey.fields.to.offset);
  const actual = endAt(bytes, tcpKey.fields.actual.offset);
  if (map === 'tcp_overflow') {
    const subject = { cgroupId, inbound: to.port === 1, destination: otherDestination, actual: '' };
    return { ...subject, address: undefined, actualAddress: undefined };
  }
  const inbound = actual.port === 0;
  return {
    cgroupId,
    inbound,
    destination: endpointText(to.address, to.port),
    actual: inbound ? '' : endpointText(actual.address, actual.port),
    address: to.address,
    actualAddress: inbound ? undefined : actual.address,
  };
}

/** A `struct destination`; the address is a copy. */
function endAt(bytes: Buffer, at: number): { address: Uint8Array; port: number } {
  const { address, port } = destination.fields;
  const start = at + address.offset;
  return {
    address: Buffer.from(bytes.subarray(start, start + address.size)),
    port: bytes.readUInt16LE(at + port.offset),
  };
}
