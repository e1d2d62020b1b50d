import ipaddr from 'ipaddr.js';

/** What an echo says nothing of, or too much: itself, everybody, whoever is at the same link. */
const notPinged = new Set(['unspecified', 'broadcast', 'multicast', 'linkLocal', 'loopback']);

/** 16 bytes, IPv4 mapped; undefined for what is not pinged. */
export function pingable(text: string): Uint8Array | undefined {
  if (!ipaddr.isValid(text)) return undefined;
  const address = ipaddr.process(text);
  if (notPinged.has(address.range())) return undefined;
  const whole = address instanceof ipaddr.IPv4 ? address.toIPv4MappedAddress() : address;
  return Uint8Array.from(whole.toByteArray());
}
