/** What conntrack tells by netlink: include/uapi/linux/netfilter/nfnetlink_conntrack.h. Its numbers are big-endian. */
import type { NetlinkRequest } from '../native/addon.ts';
import { attributes, messages } from '../native/netlink.ts';
import { tcpLayouts } from './layouts.ts';

export const NETLINK_NETFILTER = 12;
export const NFNLGRP_CONNTRACK_NEW = 1;

const subsystem = 1 << 8; // NFNL_SUBSYS_CTNETLINK
const IPCTNL_MSG_CT_NEW = subsystem;
const IPCTNL_MSG_CT_GET = subsystem | 1;
const IPCTNL_MSG_CT_GET_STATS = subsystem | 5;
const nfgenmsgBytes = 4;

const [CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_STATUS, CTA_PROTOINFO, CTA_STATUS_MASK] = [1, 2, 3, 4, 26];
const [CTA_TUPLE_IP, CTA_TUPLE_PROTO] = [1, 2];
const [CTA_IP_V4_SRC, CTA_IP_V4_DST, CTA_IP_V6_SRC, CTA_IP_V6_DST] = [1, 2, 3, 4];
const [CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT] = [1, 2, 3];
const [CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE] = [1, 1];
const CTA_STATS_GLOBAL_ENTRIES = 1;
/** TCP_CONNTRACK_TIME_WAIT and TCP_CONNTRACK_CLOSE: no socket is behind it any more. */
const goneStates = [7, 8];
const IPS_DST_NAT = 1 << 5;
const IPPROTO_TCP = 6;

/** All entries whose destination is translated; before Linux 5.16, which knows no such filter, simply all. */
export const translatedEntries: NetlinkRequest = {
  protocol: NETLINK_NETFILTER,
  messageType: IPCTNL_MSG_CT_GET,
  isDump: true,
  payload: Buffer.concat([
    Buffer.alloc(nfgenmsgBytes),
    number(CTA_STATUS, IPS_DST_NAT),
    number(CTA_STATUS_MASK, IPS_DST_NAT),
  ]),
};

/** How many entries the namespace has. */
export const entryCount: NetlinkRequest = {
  protocol: NETLINK_NETFILTER,
  messageType: IPCTNL_MSG_CT_GET_STATS,
  isDump: false,
  payload: Buffer.alloc(nfgenmsgBytes),
};

export function decodeCount(answer: Buffer): number {
  for (const message of messages(answer, entryCount.messageType)) {
    const count = attributes(message.subarray(nfgenmsgBytes)).get(CTA_STATS_GLOBAL_ENTRIES);
    if (count?.length === 4) return count.readUInt32BE(0);
  }
  return 0;
}

/** An open TCP connection whose destination is translated; its ends are `struct destination` of the eBPF programs. */
export interface Translation {
  readonly own: Buffer;
  /** As the client sees it. */
  readonly peer: Buffer;
  readonly actual: Buffer;
}

export function* decodeTranslations(dump: Buffer): Generator<Translation> {
  for (const message of messages(dump, IPCTNL_MSG_CT_NEW)) {
    const found = attributes(message.subarray(nfgenmsgBytes));
    const original = tupleOf(found.get(CTA_TUPLE_ORIG));
    const reply = tupleOf(found.get(CTA_TUPLE_REPLY));
    if (isGone(found.get(CTA_PROTOINFO)) || original === undefined || reply === undefined) continue;
    if (!original.target.equals(reply.source))
      yield { own: original.source, peer: original.target, actual: reply.source };
  }
}

function isGone(protocol: Buffer | undefined): boolean {
  const tcp = protocol && attributes(protocol).get(CTA_PROTOINFO_TCP);
  const state = tcp && attributes(tcp).get(CTA_PROTOINFO_TCP_STATE)?.[0];
  return state !== undefined && goneStates.includes(state);
}

function tupleOf(attribute: Buffer | undefined): { source: Buffer; target: Buffer } | undefined {
  if (attribute === undefined) return undefined;
  const parts = attributes(attribute);
  const addresses = attributes(parts.get(CTA_TUPLE_IP) ?? Buffer.alloc(0));
  const ports = attributes(parts.get(CTA_TUPLE_PROTO) ?? Buffer.alloc(0));
  if (ports.get(CTA_PROTO_NUM)?.[0] !== IPPROTO_TCP) return undefined;
  const source = end(
    addresses.get(CTA_IP_V4_SRC) ?? addresses.get(CTA_IP_V6_SRC),
    ports.get(CTA_PROTO_SRC_PORT),
  );
  const target = end(
    addresses.get(CTA_IP_V4_DST) ?? addresses.get(CTA_IP_V6_DST),
    ports.get(CTA_PROTO_DST_PORT),
  );
  return source && target && { source, target };
}

function end(address: Buffer | undefined, port: Buffer | undefined): Buffer | undefined {
  const { size, fields } = tcpLayouts.destination;
  if (port?.length !== 2 || (address?.length !== 4 && address?.length !== 16)) return undefined;
  const bytes = Buffer.alloc(size);
  if (address.length === 4) bytes.writeUInt16BE(0xffff, fields.address.offset + 10);
  address.copy(bytes, fields.address.offset + 16 - address.length);
  bytes.writeUInt16LE(port.readUInt16BE(0), fields.port.offset);
  return bytes;
}

function number(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.writeUInt32BE(value, 4);
  return bytes;
}
