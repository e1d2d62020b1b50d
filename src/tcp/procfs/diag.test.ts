import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressText } from '../../model/address.ts';
import { decodeDiag } from './diag.ts';

/** A message about a socket, with its attributes. */
function answer(family: number, state: number, attributes: readonly (readonly [number, Buffer])[]): Buffer {
  const body = Buffer.alloc(72);
  body[0] = family;
  body[1] = state;
  body.writeUInt16BE(80, 4);
  body.writeUInt16BE(40_000, 6);
  body.set(family === 2 ? [10, 0, 0, 1] : [0xfd, ...Array.from({ length: 14 }, () => 0), 1], 8);
  body.set(family === 2 ? [10, 0, 0, 2] : [0xfd, ...Array.from({ length: 14 }, () => 0), 2], 24);
  body.write('cookie!!', 44, 'latin1');
  body.writeUInt32LE(3, 56);
  body.writeUInt32LE(128, 60);
  body.writeUInt32LE(4711, 68);
  const parts = attributes.map(([type, value]) => {
    const header = Buffer.alloc(4);
    header.writeUInt16LE(4 + value.length);
    header.writeUInt16LE(type, 2);
    return Buffer.concat([header, value, Buffer.alloc(-value.length & 3)]);
  });
  const payload = Buffer.concat([body, ...parts]);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + payload.length);
  header.writeUInt16LE(20, 4);
  return Buffer.concat([header, payload]);
}

function info(bytes: number): Buffer {
  const told = Buffer.alloc(216);
  told.writeUInt32LE(5, 100);
  for (const [at, value] of [
    [120, 1001n],
    [128, 2001n],
    [200, 1300n],
    [208, 300n],
  ] as const)
    told.writeBigUInt64LE(value, at);
  return told.subarray(0, bytes);
}

test('a connection, and what it has carried', () => {
  const [old] = decodeDiag(answer(2, 8, [[2, info(136)]]));
  assert.deepEqual(old?.traffic, {
    cookie: 'cookie!!',
    bytesSent: 1000,
    bytesReceived: 2000, // without the FIN
    retransmits: 5,
  });
  const [recent] = decodeDiag(answer(10, 1, [[2, info(216)]]));
  assert.equal(addressText(recent!.address), 'fd00::2');
  assert.deepEqual([recent?.localPort, recent?.port, recent?.inode], [80, 40_000, 4711]);
  assert.deepEqual([recent?.traffic?.bytesSent, recent?.traffic?.bytesReceived], [1000, 2001]);
});

test('one that listens', () => {
  const memory = Buffer.alloc(36);
  memory.writeUInt32LE(9, 32);
  const [found] = decodeDiag(
    answer(10, 10, [
      [7, memory],
      [11, Buffer.from([1])],
    ]),
  );
  assert.deepEqual([found?.queue, found?.listen], [3, { limit: 128, drops: 9, ipv6Only: true }]);
});

test('what is torn', () => {
  const whole = answer(2, 1, [[2, info(216)]]);
  for (let length = 0; length < whole.length; length++)
    assert.deepEqual([...decodeDiag(whole.subarray(0, length))], []);
  const [poor] = decodeDiag(answer(2, 1, [[2, info(100)]]));
  assert.equal(poor?.traffic, undefined);
  assert.equal(poor?.listen, undefined);
});
