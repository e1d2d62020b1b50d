import ipaddr from 'ipaddr.js';
import { AgentError } from '../errors.ts';
import type { Network } from '../kernel/networks.ts';

/** Private networks (RFC 1918, RFC 4193, RFC 6598) and loopback: connections to these always count. */
const alwaysKept = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
  '127.0.0.0/8',
  '::1/128',
];

/** Those that connections count to, given the public ones (CIDR) that do. Throws `BAD_NETWORK` for text that is no network. */
export function networksOf(publicNetworks: readonly string[]): Network[] {
  return [...new Set([...publicNetworks, ...alwaysKept])].map(parseNetwork);
}

/** Says whether connections to a 16-byte address count. */
export function networkFilter(networks: readonly Network[]): (address: Uint8Array) => boolean {
  return (address) => networks.some((network) => contains(network, address));
}

function parseNetwork(text: string): Network {
  try {
    const [ip, bits] = ipaddr.parseCIDR(text);
    if (ip instanceof ipaddr.IPv6) return { address: Uint8Array.from(ip.toByteArray()), bits };
    return { address: Uint8Array.from(ip.toIPv4MappedAddress().toByteArray()), bits: 96 + bits };
  } catch (cause) {
    const shown = JSON.stringify(text.slice(0, 64));
    throw new AgentError('BAD_NETWORK', `${shown} is not a network such as 203.0.113.0/24`, { cause });
  }
}

function contains({ address: network, bits }: Network, address: Uint8Array): boolean {
  const whole = bits >> 3;
  for (let index = 0; index < whole; index++) if (network[index] !== address[index]) return false;
  const rest = 0xff00 >> (bits & 7);
  return ((network[whole] ?? 0) & rest & 0xff) === ((address[whole] ?? 0) & rest & 0xff);
}
