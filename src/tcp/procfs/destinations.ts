import { isMapped } from '../../model/address.ts';

/**
 * Whether connections to a destination count: the rules of `ebpf/destination.h`. `ignoredPorts` as from
 * `ignoredPortBits`; loopback counts where `loopbackCounts` says so.
 */
export function destinationCounts(
  { address, port }: { readonly address: Uint8Array; readonly port: number },
  ignoredPorts: Uint8Array,
  loopbackCounts: boolean,
): boolean {
  if ((ignoredPorts[port >> 3]! >> (port & 7)) & 1) return false;
  if (isMapped(address)) {
    if (address[12] === 169 && address[13] === 254) return false;
    return address[12] !== 127 || loopbackCounts;
  }
  if (address[0] === 0xfe && (address[1]! & 0xc0) === 0x80) return false;
  const isLoopback = address.every((byte, index) => byte === (index === 15 ? 1 : 0));
  return !isLoopback || loopbackCounts;
}
