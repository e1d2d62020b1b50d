import ipaddr from 'ipaddr.js';
import type { Address } from '../host/rtnetlink.ts';

/** A network interface at one moment. Counters are those of struct rtnl_link_stats64. */
export interface Interface {
  readonly name: string;
  /** Undefined where its state is not known. */
  readonly up: boolean | undefined;
  readonly receivedBytes: number;
  readonly transmittedBytes: number;
  readonly receivedPackets: number;
  readonly transmittedPackets: number;
  /** Every address that may be shown. */
  readonly addresses: readonly Address[];
}

/** Interfaces that carry the node's traffic, by how their lower-cased name begins. */
const shown =
  /^(?:en(?:p\d+)?p\d+s\d+(?:f\d+)?|eth\d+|eno\d+|ens\d+|em\d+|bond\d+|p\d+p\d+|enx[0-9a-f]+|br\d+|vmbr\d+)/;

export function isShown(name: string): boolean {
  return shown.test(name.toLowerCase());
}

const privateRanges = new Set(['private', 'uniqueLocal', 'carrierGradeNat', 'loopback']);

/** Networks (CIDR, host part kept) that the node is in by a public address: connections within them count. */
export function publicNetworksOf(interfaces: readonly Interface[]): string[] {
  return interfaces
    .flatMap(({ addresses }) => addresses)
    .filter(({ ip }) => !privateRanges.has(ipaddr.parse(ip).range()))
    .map(({ ip, prefixBits }) => `${ip}/${prefixBits}`);
}
