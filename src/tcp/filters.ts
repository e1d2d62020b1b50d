import ipaddr from 'ipaddr.js';
import { AgentError } from '../errors.ts';

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

/**
 * Says whether connections to a 16-byte address count, given the public networks (CIDR) that do.
 * Throws `BAD_NETWORK` for text that is no network.
 */
export function networkFilter(publicNetworks: readonly string[]): (address: Uint8Array) => boolean {
  const networks = [...alwaysKept, ...publicNetworks].map(parseNetwork);
  return (address) => {
    const ip = ipaddr.process(ipaddr.fromByteArray([...address]).toString());
    return networks.some(([network, bits]) => network.kind() === ip.kind() && ip.match(network, bits));
  };
}

function parseNetwork(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  try {
    return ipaddr.parseCIDR(text);
  } catch (cause) {
    throw new AgentError(
      'BAD_NETWORK',
      `${JSON.stringify(text.slice(0, 64))} is not a network such as 203.0.113.0/24`,
      {
        cause,
      },
    );
  }
}
