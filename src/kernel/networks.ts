import { tcpLayouts } from './layouts.ts';

/** Addresses whose first `bits` bits are those of `address`: 16 bytes, IPv4 in its mapped form. */
export interface Network {
  readonly address: Uint8Array;
  readonly bits: number;
}

const { size: bytesOfOne, fields } = tcpLayouts.network;

/** As many as the programs compare with. */
export const maxNetworks = tcpLayouts.rodata.fields.networks.size / bytesOfOne;

/** In the form of `struct network`, at most `maxNetworks`. */
export function networkBytes(networks: readonly Network[]): Uint8Array {
  const bytes = new Uint8Array(networks.length * bytesOfOne);
  for (const [at, { address, bits }] of networks.entries()) {
    const start = at * bytesOfOne;
    bytes.set(address, start + fields.address.offset);
    for (let bit = 0; bit < bits; bit++) bytes[start + fields.mask.offset + (bit >> 3)]! |= 0x80 >> (bit & 7);
  }
  return bytes;
}
