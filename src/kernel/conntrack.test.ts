import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeCount, decodeTranslations } from './conntrack.ts';

function attribute(type: number, ...payload: readonly (Buffer | number[])[]): Buffer {
  const content = Buffer.concat(payload.map((part) => Buffer.from(part)));
  const bytes = Buffer.alloc((4 + content.length + 3) & ~3);
  bytes.writeUInt16LE(4 + content.length, 0);
  bytes.writeUInt16LE(type, 2);
  content.copy(bytes, 4);
  return bytes;
}

function message(type: number, ...attributes: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(20), ...attributes]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  return bytes;
}

interface End {
  readonly address: readonly number[];
  readonly port: number;
}

function tuple(type: number, source: End, target: End, protocol = 6): Buffer {
  const first = source.address.length === 4 ? 1 : 3;
  const port = (value: number): number[] => [value >> 8, value & 255];
  return attribute(
    type | 0x8000,
    attribute(1 | 0x8000, attribute(first, [...source.address]), attribute(first + 1, [...target.address])),
    attribute(
      2 | 0x8000,
      attribute(1, [protocol]),
      attribute(2, port(source.port)),
      attribute(3, port(target.port)),
    ),
  );
}

const v4 = (last: number, port: number): End => ({ address: [10, 0, 0, last], port });
const v6 = (last: number, port: number): End => ({
  address: [0xfd, ...Array<number>(14).fill(0), last],
  port,
});
const zone = attribute(3, [0, 7]);
const state = (value: number): Buffer => attribute(4 | 0x8000, attribute(1 | 0x8000, attribute(1, [value])));

/** `struct destination`: the address as IPv6, the port in the order of the machine, two zeros. */
function destination({ address, port }: End): string {
  const mapped = address.length === 4 ? [...Array<number>(10).fill(0), 255, 255, ...address] : address;
  return Buffer.from([...mapped, port & 255, port >> 8, 0, 0]).toString('hex');
}

function decoded(...dump: readonly Buffer[]): string[][] {
  return [...decodeTranslations(Buffer.concat(dump))].map(({ own, peer, actual }) =>
    [own, peer, actual].map((end) => end.toString('hex')),
  );
}

test('what is translated, of IPv4 and IPv6, with attributes between', () => {
  const first = [tuple(1, v4(1, 40_000), v4(2, 80)), zone, tuple(2, v4(3, 8080), v4(9, 1024)), state(3)];
  const second = [tuple(1, v6(1, 40_001), v6(2, 443)), tuple(2, v6(3, 443), v6(1, 40_001))];
  assert.deepEqual(decoded(message(0x100, ...first), message(0x100, ...second)), [
    [v4(1, 40_000), v4(2, 80), v4(3, 8080)].map(destination),
    [v6(1, 40_001), v6(2, 443), v6(3, 443)].map(destination),
  ]);
});

test('what is not translated, not TCP or gone is left out', () => {
  const original = tuple(1, v4(1, 40_000), v4(2, 80));
  const same = tuple(2, v4(2, 80), v4(9, 1024));
  const other = tuple(2, v4(3, 80), v4(1, 40_000));
  const udp = [tuple(1, v4(1, 53), v4(2, 53), 17), tuple(2, v4(3, 53), v4(1, 53), 17)];
  assert.deepEqual(decoded(message(0x100, original, same)), []);
  assert.deepEqual(decoded(message(0x100, ...udp)), []);
  assert.deepEqual(decoded(message(0x101, original, other)), []);
  for (const gone of [7, 8]) assert.deepEqual(decoded(message(0x100, original, other, state(gone))), []);
  for (const open of [1, 3, 6])
    assert.equal(decoded(message(0x100, original, other, state(open))).length, 1, String(open));
});

test('torn messages say nothing', () => {
  const whole = message(0x100, tuple(1, v4(1, 40_000), v4(2, 80)), tuple(2, v4(3, 80), v4(1, 40_000)));
  for (let length = 0; length < whole.length; length++) {
    assert.deepEqual(decoded(whole.subarray(0, length)), []);
    const shorter = Buffer.from(whole.subarray(0, Math.max(length, 20)));
    shorter.writeUInt32LE(shorter.length, 0);
    // Zeros at the end are padding, the rest is missed.
    if (length < whole.length - 2) assert.deepEqual(decoded(shorter), []);
  }
});

test('the number of entries', () => {
  assert.equal(decodeCount(message(0x105, attribute(1, [0, 0, 1, 2]), attribute(2, [0, 4, 0, 0]))), 258);
  assert.equal(decodeCount(message(0x105, attribute(1, [1]))), 0);
  assert.equal(decodeCount(Buffer.alloc(0)), 0);
});
