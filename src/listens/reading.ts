import { tcpLayouts } from '../kernel/layouts.ts';
import { unknownLimit, type TcpReading } from '../kernel/tcp-program.ts';
import { uint64 } from '../kernel/uint64.ts';

/** The sockets of one cgroup that listen on one address in one network namespace. */
export interface Listening {
  /** Of the entry in the kernel. */
  readonly key: Buffer;
  readonly cgroupId: number;
  readonly netnsInode: number;
  /** 16 bytes, IPv4 in its mapped form. */
  readonly address: Uint8Array;
  readonly port: number;
  /** IPV6_V6ONLY (ipv6(7)). */
  readonly ipv6Only: boolean;
  /** 0: closed. */
  readonly sockets: number;
  /** Connections that wait for accept(2). */
  readonly queue: number;
  /** How many may wait, and how many found no room: undefined where the source does not tell. */
  readonly limit: number | undefined;
  readonly drops: number | undefined;
  /** CLOCK_MONOTONIC of the last walk that found one, or of the last listen(2). */
  readonly lastNs: number;
}

const { listenKey, listenValue, destination } = tcpLayouts;
const entryBytes = listenKey.size + listenValue.size;
const at = listenKey.fields.at.offset;
/** IPV6_ONLY of `ebpf/tcp_listens.h`. */
const ipv6Only = 1;

/** Those of a reading; half an entry at the end is left out. What another walk found is closed. */
export function* listeningsOf({ listens, walk }: Pick<TcpReading, 'listens' | 'walk'>): Generator<Listening> {
  for (let start = 0; start + entryBytes <= listens.length; start += entryBytes) {
    const key = Buffer.from(listens.subarray(start, start + listenKey.size));
    yield decode(key, listens.subarray(start + listenKey.size, start + entryBytes), walk);
  }
}

function decode(key: Buffer, value: Buffer, walk: number): Listening {
  const { fields } = listenValue;
  const { address, port, unused } = destination.fields;
  const isOpen = value.readUInt32LE(fields.walk.offset) === walk;
  const count = (field: { offset: number }): number => (isOpen ? value.readUInt32LE(field.offset) : 0);
  const limit = count(fields.limit);
  const isKnown = isOpen && limit !== unknownLimit;
  return {
    key,
    cgroupId: uint64(key, listenKey.fields.cgroupId.offset),
    netnsInode: key.readUInt32LE(listenKey.fields.netns.offset),
    address: key.subarray(at + address.offset, at + address.offset + address.size),
    port: key.readUInt16LE(at + port.offset),
    ipv6Only: (key.readUInt16LE(at + unused.offset) & ipv6Only) !== 0,
    sockets: count(fields.sockets),
    queue: count(fields.queue),
    limit: isKnown ? limit : undefined,
    drops: isKnown ? uint64(value, fields.drops.offset) : undefined,
    lastNs: uint64(value, fields.lastNs.offset),
  };
}
