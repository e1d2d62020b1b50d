import { isIP } from 'node:net';

const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex');

/** IPv4 in its IPv6-mapped form, which is how addresses are kept (RFC 4291, 2.5.5.2). */
export function isMapped(address: Uint8Array): boolean {
  return mappedPrefix.compare(address, 0, mappedPrefix.length) === 0;
}

/** The mapped form of 4 bytes. */
export function mapped(ipv4: Uint8Array): Buffer {
  return Buffer.concat([mappedPrefix, ipv4]);
}

/** Canonical text of a 16-byte address: dotted IPv4 for mapped ones, RFC 5952 otherwise. */
export function addressText(address: Uint8Array): string {
  if (isMapped(address)) return address.subarray(12, 16).join('.');
  const groups = Array.from(
    { length: 8 },
    (_, index) => (address[2 * index]! << 8) | address[2 * index + 1]!,
  );
  const [start, length] = longestZeros(groups);
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** `ip:port`, IPv6 in brackets. */
export function endpointText(address: Uint8Array, port: number): string {
  const text = addressText(address);
  return isIP(text) === 6 ? `[${text}]:${port}` : `${text}:${port}`;
}

/** The first of the longest runs of zero groups: the one that `::` stands for. */
function longestZeros(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  let start = 0;
  for (let index = 0; index <= groups.length; index++) {
    if (groups[index] === 0) continue;
    if (index - start > best[1]) best = [start, index - start];
    start = index + 1;
  }
  return best;
}
