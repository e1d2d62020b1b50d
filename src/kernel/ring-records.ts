const headerBytes = 8;

/** Records of a batch as `Addon.openRing` frames them. One that is cut short ends the batch. */
export function* recordsOf(batch: Buffer): Generator<Buffer> {
  for (let at = 0; at + headerBytes <= batch.length;) {
    const length = batch.readUInt32LE(at);
    const record = batch.subarray(at + headerBytes, at + headerBytes + length);
    if (record.length < length) return;
    yield record;
    at += headerBytes + Math.ceil(length / 8) * 8;
  }
}
