/** A 32-bit integer as the programs keep it. */
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value | 0);
  return bytes;
}

/** A bool as the programs keep it. */
export function flag(value: boolean): Uint8Array {
  return Uint8Array.of(value ? 1 : 0);
}
