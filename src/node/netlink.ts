/**
 * Decoder of rtnetlink dumps: rtnetlink(7), include/uapi/linux/{netlink,rtnetlink,if_link,if_addr}.h. All numbers are of
 * the host's byte order, which is little-endian on every architecture we run on.
 */
import ipaddr from 'ipaddr.js';
import { isShown, isShownAddress, type Address, type Interface } from './interfaces.ts';

export const RTM_NEWLINK = 16;
export const RTM_NEWADDR = 20;

const IFLA_IFNAME = 3;
const IFLA_STATS = 7;
const IFLA_OPERSTATE = 16;
const IFLA_STATS64 = 23;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IF_OPER_UP = 6;
const ifinfomsgBytes = 16;
const ifaddrmsgBytes = 8;
const headerBytes = 16;

/** Length-prefixed parts, padded to 4 bytes; ends at the first that does not fit. */
function* parts(
  buffer: Buffer,
  lengthOf: (at: number) => number,
  leastBytes: number,
): Generator<[at: number, end: number]> {
  for (let at = 0; at + leastBytes <= buffer.length;) {
    const length = lengthOf(at);
    if (length < leastBytes || at + length > buffer.length) return;
    yield [at, at + length];
    at += (length + 3) & ~3;
  }
}

function* messages(dump: Buffer, wanted: number): Generator<Buffer> {
  for (const [at, end] of parts(dump, (offset) => dump.readUInt32LE(offset), headerBytes)) {
    if (dump.readUInt16LE(at + 4) === wanted) yield dump.subarray(at + headerBytes, end);
  }
}

/** Attributes by type; the two highest bits of the type are flags. */
function attributes(payload: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (const [at, end] of parts(payload, (offset) => payload.readUInt16LE(offset), 4)) {
    found.set(payload.readUInt16LE(at + 2) & 0x3fff, payload.subarray(at + 4, end));
  }
  return found;
}

/** The interfaces that are shown, of an RTM_GETLINK and an RTM_GETADDR dump. Torn messages are left out. */
export function decodeInterfaces(links: Buffer, addresses: Buffer): Interface[] {
  const addressesByIndex = decodeAddresses(addresses);
  const interfaces: Interface[] = [];
  for (const message of messages(links, RTM_NEWLINK)) {
    if (message.length < ifinfomsgBytes) continue;
    const found = attributes(message.subarray(ifinfomsgBytes));
    const name = found.get(IFLA_IFNAME)?.toString('utf8').split('\0', 1)[0] ?? '';
    const counters = decodeCounters(found);
    if (!isShown(name) || counters === undefined) continue;
    const state = found.get(IFLA_OPERSTATE)?.[0];
    const up = state === undefined ? undefined : state === IF_OPER_UP;
    interfaces.push({ name, up, ...counters, addresses: addressesByIndex.get(message.readInt32LE(4)) ?? [] });
  }
  return interfaces;
}

type Counters = Omit<Interface, 'name' | 'up' | 'addresses'>;

/** Both structs begin with rx_packets, tx_packets, rx_bytes, tx_bytes. */
function decodeCounters(found: ReadonlyMap<number, Buffer>): Counters | undefined {
  const wide = found.get(IFLA_STATS64);
  const narrow = found.get(IFLA_STATS);
  const counter = (index: number): number | undefined => {
    if (wide !== undefined && wide.length >= 32) return Number(wide.readBigUInt64LE(index * 8));
    if (narrow !== undefined && narrow.length >= 16) return narrow.readUInt32LE(index * 4);
    return undefined;
  };
  const [receivedPackets, transmittedPackets, receivedBytes, transmittedBytes] = [0, 1, 2, 3].map(counter);
  if (
    receivedPackets === undefined ||
    transmittedPackets === undefined ||
    receivedBytes === undefined ||
    transmittedBytes === undefined
  ) {
    return undefined;
  }
  return { receivedBytes, transmittedBytes, receivedPackets, transmittedPackets };
}

/** Addresses that may be shown, by interface index. IFA_LOCAL is ours where IFA_ADDRESS is the peer's. */
function decodeAddresses(dump: Buffer): Map<number, Address[]> {
  const byIndex = new Map<number, Address[]>();
  for (const message of messages(dump, RTM_NEWADDR)) {
    if (message.length < ifaddrmsgBytes) continue;
    const found = attributes(message.subarray(ifaddrmsgBytes));
    const bytes = found.get(IFA_LOCAL) ?? found.get(IFA_ADDRESS);
    if (bytes === undefined || (bytes.length !== 4 && bytes.length !== 16)) continue;
    const ip = ipaddr.fromByteArray([...bytes]).toString();
    const prefixBits = message.readUInt8(1);
    if (!isShownAddress(ip) || prefixBits > bytes.length * 8) continue;
    const index = message.readInt32LE(4);
    const known = byIndex.get(index);
    if (known === undefined) byIndex.set(index, [{ ip, prefixBits }]);
    else known.push({ ip, prefixBits });
  }
  return byIndex;
}
