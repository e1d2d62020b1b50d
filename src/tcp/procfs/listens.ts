import { tcpLayouts } from '../../kernel/layouts.ts';
import { unknownLimit } from '../../kernel/tcp-program.ts';
import { isMapped } from '../../model/address.ts';
import type { ProcSocket } from './sockets.ts';

/** As many as the kernel's programs keep. */
const maxListens = 8192;
/** IPV6_ONLY of `ebpf/tcp_listens.h`. */
const ipv6Only = 1;

/** A socket that listens, and in which network namespace. */
export interface ListeningSocket extends ProcSocket {
  readonly netnsInode: number;
  /** IPV6_V6ONLY as far as it can be told: another socket has the same port for all of IPv4. */
  readonly ipv6Only: boolean;
}

/** The sockets that listen in one namespace. */
export function listeningSockets(sockets: readonly ProcSocket[], netnsInode: number): ListeningSocket[] {
  const isAny = ({ localAddress }: ProcSocket, from: number): boolean =>
    localAddress.subarray(from).every((byte) => byte === 0);
  const ofIpv4 = new Set(
    sockets.filter((each) => isMapped(each.localAddress) && isAny(each, 12)).map((each) => each.localPort),
  );
  return sockets.map((each) => ({
    ...each,
    netnsInode,
    ipv6Only: each.listen?.ipv6Only ?? (isAny(each, 0) && ofIpv4.has(each.localPort)),
  }));
}

/** In the form of the kernel's map, as found in this walk at `nowNs`; each with the cgroup that it belongs to. */
export function listensOf(
  sockets: readonly (readonly [cgroupId: number, socket: ListeningSocket])[],
  walk: number,
  nowNs: number,
): Buffer {
  const { listenKey, listenValue, destination } = tcpLayouts;
  const { fields } = listenValue;
  const at = listenKey.fields.at.offset;
  const found = new Map<string, [key: Buffer, value: Buffer]>();
  for (const [cgroupId, socket] of sockets) {
    const key = Buffer.alloc(listenKey.size);
    key.writeBigUInt64LE(BigInt(cgroupId), listenKey.fields.cgroupId.offset);
    key.set(socket.localAddress, at + destination.fields.address.offset);
    key.writeUInt16LE(socket.localPort, at + destination.fields.port.offset);
    key.writeUInt16LE(socket.ipv6Only ? ipv6Only : 0, at + destination.fields.unused.offset);
    key.writeUInt32LE(socket.netnsInode, listenKey.fields.netns.offset);
    const text = key.toString('latin1');
    let value = found.get(text)?.[1];
    if (value === undefined) {
      if (found.size >= maxListens) break;
      value = Buffer.alloc(listenValue.size);
      value.writeBigUInt64LE(BigInt(nowNs), fields.lastNs.offset);
      value.writeUInt32LE(walk, fields.walk.offset);
      value.writeUInt32LE(socket.listen === undefined ? unknownLimit : 0, fields.limit.offset);
      found.set(text, [key, value]);
    }
    const { sockets: count, queue, limit, drops } = fields;
    const add = ({ offset }: { offset: number }, more: number): number =>
      value.writeUInt32LE((value.readUInt32LE(offset) + more) >>> 0, offset);
    add(count, 1);
    add(queue, socket.queue);
    if (socket.listen === undefined) continue;
    add(limit, socket.listen.limit);
    value.writeBigUInt64LE(value.readBigUInt64LE(drops.offset) + BigInt(socket.listen.drops), drops.offset);
  }
  return Buffer.concat([...found.values()].flat());
}
