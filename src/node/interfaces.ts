import ipaddr from 'ipaddr.js';

/** A network interface at one moment. Counters are those of struct rtnl_link_stats64. */
export interface Interface {
  readonly name: string;
  readonly up: boolean;
  readonly receivedBytes: number;
  readonly transmittedBytes: number;
  readonly receivedPackets: number;
  readonly transmittedPackets: number;
  /** Text of every address that may be shown. */
  readonly addresses: readonly string[];
}

/** Interfaces that carry the node's traffic, by how their lower-cased name begins. */
const shown =
  /^(?:en(?:p\d+)?p\d+s\d+(?:f\d+)?|eth\d+|eno\d+|ens\d+|em\d+|bond\d+|p\d+p\d+|enx[0-9a-f]+|br\d+|vmbr\d+)/;

export function isShown(name: string): boolean {
  return shown.test(name.toLowerCase());
}

const hiddenRanges = new Set(['linkLocal', 'multicast']);

/** Link-local and multicast addresses say nothing about how the node is reached. */
export function isShownAddress(text: string): boolean {
  return ipaddr.isValid(text) && !hiddenRanges.has(ipaddr.parse(text).range());
}

const privateRanges = new Set(['private', 'uniqueLocal', 'carrierGradeNat', 'loopback']);

/** Networks of one address each, for the public addresses of the node: connections to them count. */
export function publicNetworksOf(interfaces: readonly Interface[]): string[] {
  return interfaces
    .flatMap(({ addresses }) => addresses)
    .filter((text) => !privateRanges.has(ipaddr.parse(text).range()))
    .map((text) => `${text}/${ipaddr.parse(text).kind() === 'ipv4' ? 32 : 128}`);
}
