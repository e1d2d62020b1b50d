/** TCP sockets as sock_diag(7) tells of them: include/uapi/linux/inet_diag.h and tcp.h. Addresses and ports are big-endian there. */
import { mapped } from '../../model/address.ts';
import type { NetlinkRequest } from '../../native/addon.ts';
import { attributes, messages } from '../../native/netlink.ts';
import type { ProcSocket } from './sockets.ts';

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const IPPROTO_TCP = 6;
const [AF_INET, AF_INET6] = [2, 10];
const [INET_DIAG_INFO, INET_DIAG_SKMEMINFO, INET_DIAG_SKV6ONLY] = [2, 7, 11];
/** Index of SK_MEMINFO_DROPS. */
const droppedAt = 8 * 4;

/** Offsets in struct inet_diag_msg, which has so many bytes. */
const message = {
  family: 0,
  state: 1,
  localPort: 4,
  port: 6,
  local: 8,
  remote: 24,
  cookie: 44,
  queue: 56,
  limit: 60,
  inode: 68,
};
const messageBytes = 72;
/** Offsets in struct tcp_info, whose end came over the years. */
const info = { totalRetrans: 100, bytesAcked: 120, bytesReceived: 128, bytesSent: 200, bytesRetrans: 208 };

/** CLOSE_WAIT, LAST_ACK, CLOSING: the FIN of the peer was received, which counts as a byte. */
const afterFin = new Set([8, 9, 11]);

/** What a connection has carried until now. */
export interface Traffic {
  /** SO_COOKIE: of this socket and no other until the machine restarts. */
  readonly cookie: string;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** SYNs included. */
  readonly retransmits: number;
}

/** All TCP sockets of a family but those that are on their way out. */
export function socketsRequest(family: 'ipv4' | 'ipv6'): NetlinkRequest {
  const payload = Buffer.alloc(56); // struct inet_diag_req_v2
  payload[0] = family === 'ipv4' ? AF_INET : AF_INET6;
  payload[1] = IPPROTO_TCP;
  payload[2] = (1 << (INET_DIAG_INFO - 1)) | (1 << (INET_DIAG_SKMEMINFO - 1));
  payload.writeUInt32LE(0xfff & ~((1 << 6) | (1 << 7)), 4); // neither TIME_WAIT nor CLOSE
  return { protocol: NETLINK_SOCK_DIAG, messageType: SOCK_DIAG_BY_FAMILY, isDump: true, payload };
}

/** Those of an answer; what is torn is left out. */
export function* decodeDiag(answer: Buffer): Generator<ProcSocket> {
  for (const each of messages(answer, SOCK_DIAG_BY_FAMILY)) {
    if (each.length < messageBytes) continue;
    const found = attributes(each.subarray(messageBytes));
    const state = each[message.state]!;
    const isV4 = each[message.family] === AF_INET;
    yield {
      localAddress: addressOf(each, message.local, isV4),
      localPort: each.readUInt16BE(message.localPort),
      address: addressOf(each, message.remote, isV4),
      port: each.readUInt16BE(message.port),
      state,
      queue: each.readUInt32LE(message.queue),
      inode: each.readUInt32LE(message.inode),
      listen: listenOf(each, found),
      traffic: trafficOf(each, state, found.get(INET_DIAG_INFO)),
    };
  }
}

function addressOf(bytes: Buffer, at: number, isV4: boolean): Buffer {
  return isV4 ? mapped(bytes.subarray(at, at + 4)) : bytes.subarray(at, at + 16);
}

function listenOf(bytes: Buffer, found: ReadonlyMap<number, Buffer>): ProcSocket['listen'] {
  const memory = found.get(INET_DIAG_SKMEMINFO);
  if (memory === undefined || memory.length < droppedAt + 4) return undefined;
  return {
    limit: bytes.readUInt32LE(message.limit),
    drops: memory.readUInt32LE(droppedAt),
    ipv6Only: found.get(INET_DIAG_SKV6ONLY)?.[0] === 1,
  };
}

/** Before Linux 4.19 nobody tells what was sent, but what of it was acknowledged, the SYN among it. */
function trafficOf(bytes: Buffer, state: number, told: Buffer | undefined): Traffic | undefined {
  if (told === undefined || told.length < info.bytesReceived + 8) return undefined;
  const number = (at: number): number => Number(told.readBigUInt64LE(at));
  const sent =
    told.length >= info.bytesRetrans + 8
      ? number(info.bytesSent) - number(info.bytesRetrans)
      : number(info.bytesAcked) - 1;
  return {
    cookie: bytes.toString('latin1', message.cookie, message.cookie + 8),
    bytesSent: Math.max(0, sent),
    bytesReceived: Math.max(0, number(info.bytesReceived) - (afterFin.has(state) ? 1 : 0)),
    retransmits: told.readUInt32LE(info.totalRetrans),
  };
}
