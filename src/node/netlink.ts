import { decodeAddresses, decodeLinks } from '../host/rtnetlink.ts';
import { isShown, type Interface } from './interfaces.ts';

const IFLA_IFNAME = 3;
const IFLA_STATS = 7;
const IFLA_STATS64 = 23;
const IF_OPER_UP = 6;

/** The interfaces that are shown, of an RTM_GETLINK and an RTM_GETADDR dump. */
export function decodeInterfaces(links: Buffer, addresses: Buffer): Interface[] {
  const addressesByIndex = decodeAddresses(addresses);
  const interfaces: Interface[] = [];
  for (const { index, operState, attributes } of decodeLinks(links)) {
    const name = attributes.get(IFLA_IFNAME)?.toString('utf8').split('\0', 1)[0] ?? '';
    const counters = decodeCounters(attributes);
    if (!isShown(name) || counters === undefined) continue;
    const up = operState === undefined ? undefined : operState === IF_OPER_UP;
    interfaces.push({ name, up, ...counters, addresses: addressesByIndex.get(index) ?? [] });
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
