import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { addressText, endpointText, isMapped } from '../model/address.ts';
import type { PublishedPort } from '../model/containers.ts';
import type { Listening } from './reading.ts';

/** Addresses of a network namespace as text. */
export type Addresses = readonly string[];

type Bound = Pick<Listening, 'address' | 'port' | 'ipv6Only'>;

/** `0.0.0.0` or `::`. */
export function isWildcard({ address }: Pick<Bound, 'address'>): boolean {
  return address.subarray(isMapped(address) ? 12 : 0).every((byte) => byte === 0);
}

/** `ip:port` of what somebody can connect to; `ofNamespace` are the addresses that a wildcard stands for. Loopback is the host's alone. */
export function listenAddresses(bound: Bound, ofNamespace: Addresses, isHost: boolean): string[] {
  const { address, port } = bound;
  if (!isWildcard(bound)) {
    return isHost || !isLoopback(addressText(address)) ? [endpointText(address, port)] : [];
  }
  const takes = (ip: string): boolean =>
    isIPv6(ip) ? !isMapped(address) : isMapped(address) || !bound.ipv6Only;
  return ofNamespace.filter((ip) => takes(ip) && (isHost || !isLoopback(ip))).map((ip) => withPort(ip, port));
}

/** The same of a port of the host that is published; `ofHost` are the host's addresses. */
export function publishedAddresses({ address, port }: PublishedPort, ofHost: Addresses): string[] {
  if (address !== '0.0.0.0' && address !== '::') return [withPort(address, port)];
  return ofHost.filter((ip) => isIPv6(ip) === isIPv6(address)).map((ip) => withPort(ip, port));
}

function isLoopback(ip: string): boolean {
  return ipaddr.parse(ip).range() === 'loopback';
}

function withPort(ip: string, port: number): string {
  return isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`;
}
