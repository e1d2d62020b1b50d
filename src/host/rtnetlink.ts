/**
 * Decoder of rtnetlink dumps: rtnetlink(7), include/uapi/linux/{netlink,rtnetlink,if_link,if_addr}.h. All numbers are of
 * the host's byte order, which is little-endian on every architecture we run on.
 */
import ipaddr from 'ipaddr.js';
import { attributes, messages } from '../native/netlink.ts';

/** What a dump is asked for by, and what its messages are. */
export const RTM_NEWLINK = 16;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_GETADDR = 22;

const IFLA_OPERSTATE = 16;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const ifinfomsgBytes = 16;
const ifaddrmsgBytes = 8;

/** An address of an interface with the length of the network's prefix. */
export interface Address {
  readonly ip: string;
  readonly prefixBits: number;
}

/** A message about an interface. */
export interface Link {
  readonly index: number;
  /** `IF_OPER_*`; undefined where it is not told. */
  readonly operState: number | undefined;
  /** By their `IFLA_*`. */
  readonly attributes: ReadonlyMap<number, Buffer>;
}

/** The interfaces of an RTM_GETLINK dump. Torn messages are left out. */
export function* decodeLinks(dump: Buffer): Generator<Link> {
  for (const message of messages(dump, RTM_NEWLINK)) {
    if (message.length < ifinfomsgBytes) continue;
    const found = attributes(message.subarray(ifinfomsgBytes));
    yield { index: message.readInt32LE(4), operState: found.get(IFLA_OPERSTATE)?.[0], attributes: found };
  }
}

/**
 * Addresses that may be shown, by interface index, of an RTM_GETADDR dump. Torn messages are left out. IFA_LOCAL is ours where
 * IFA_ADDRESS is the peer's.
 */
export function decodeAddresses(dump: Buffer): Map<number, Address[]> {
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

const hiddenRanges = new Set(['linkLocal', 'multicast']);

/** Link-local and multicast addresses say nothing about how the node is reached. */
export function isShownAddress(text: string): boolean {
  return ipaddr.isValid(text) && !hiddenRanges.has(ipaddr.parse(text).range());
}
