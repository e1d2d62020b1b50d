import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeCgroupEvents } from './cgroup-event.ts';
import { cgroupLayouts } from './layouts.ts';

const { fields } = cgroupLayouts.cgroupEvent;

function record(kind: number, id: bigint, path: string, pathBytes = Buffer.byteLength(path) + 1): Buffer {
  const bytes = Buffer.alloc(fields.path.offset + Buffer.byteLength(path) + 1);
  bytes.writeBigUInt64LE(id, fields.id.offset);
  bytes.writeBigUInt64LE(5000n, fields.timeNs.offset);
  bytes.writeUInt32LE(kind, fields.kind.offset);
  bytes.writeUInt16LE(pathBytes, fields.pathBytes.offset);
  bytes.write(path, fields.path.offset);
  return bytes;
}

function batch(...records: Buffer[]): Buffer {
  const framed = records.flatMap((bytes) => {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(bytes.length);
    return [head, bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)];
  });
  return Buffer.concat(framed);
}

test('records of a batch, in order', () => {
  const events = decodeCgroupEvents(batch(record(1, 42n, '/a/ü'), record(2, 2n ** 40n, '/b')));
  assert.deepEqual(events, [
    { kind: 'created', cgroupId: 42, timeNs: 5000, path: '/a/ü', truncated: false },
    { kind: 'removed', cgroupId: 2 ** 40, timeNs: 5000, path: '/b', truncated: false },
  ]);
});

test('a record that makes no sense is left out, the next is not', () => {
  const good = record(1, 1n, '/good');
  const odd = [
    record(9, 1n, '/kind'),
    record(1, 1n, '/long', 500),
    record(1, 1n, '/short', 0),
    Buffer.alloc(3),
  ];
  assert.deepEqual(
    decodeCgroupEvents(batch(...odd, good)).map(({ path }) => path),
    ['/good'],
  );
});

test('no batch is too short or too odd', () => {
  const whole = batch(record(1, 1n, '/one'), record(1, 2n, '/two'));
  for (let length = 0; length < whole.length; length++)
    assert.ok(decodeCgroupEvents(whole.subarray(0, length)).length <= 1 + Number(length > whole.length - 8));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeCgroupEvents(Buffer.from(bytes))),
  );
});
