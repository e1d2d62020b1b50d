import assert from 'node:assert/strict';
import { test } from 'node:test';
import { address, link } from '../host/rtnetlink.fixture.ts';
import { decodeInterfaces } from './netlink.ts';
import { publicNetworksOf } from './interfaces.ts';

const v6 = (...head: number[]): number[] => [...head, ...Array<number>(15 - head.length).fill(0), 1];
const links = Buffer.concat([
  link(1, 'lo', 0, [1n, 1n, 1n, 1n]),
  link(2, 'eth0', 6, [10n, 20n, 2n ** 40n, 40n]),
  link(3, 'ENS5', 2, [1n, 2n, 3n, 4n]),
  link(4, 'docker0', 6, [1n, 2n, 3n, 4n]),
]);
const addresses = Buffer.concat([
  address(1, [127, 0, 0, 1]),
  address(2, [203, 0, 113, 9]),
  address(2, [10, 0, 0, 7], [10, 0, 0, 8]),
  address(2, [169, 254, 1, 1]),
  address(2, v6(0xfe, 0x80)),
  address(2, v6(0x20, 0x01, 0x0d, 0xb9)),
  address(3, [224, 0, 0, 5]),
  address(3, [203, 0, 113, 10], undefined, 33),
]);
const shown = [
  { ip: '203.0.113.9', prefixBits: 24 },
  { ip: '10.0.0.7', prefixBits: 24 },
  { ip: '2001:db9::1', prefixBits: 96 },
];

test('links and addresses decode into the interfaces that are shown', () => {
  assert.deepEqual(decodeInterfaces(links, addresses), [
    {
      name: 'eth0',
      up: true,
      receivedPackets: 10,
      transmittedPackets: 20,
      receivedBytes: 2 ** 40,
      transmittedBytes: 40,
      addresses: shown,
    },
    {
      name: 'ENS5',
      up: false,
      receivedPackets: 1,
      transmittedPackets: 2,
      receivedBytes: 3,
      transmittedBytes: 4,
      addresses: [],
    },
  ]);
  assert.deepEqual(publicNetworksOf(decodeInterfaces(links, addresses)), [
    '203.0.113.9/24',
    '2001:db9::1/96',
  ]);
});

test('dumps cut short at any byte give fewer interfaces, never wrong ones', () => {
  const whole = decodeInterfaces(links, Buffer.alloc(0)).map((entry) => JSON.stringify(entry));
  for (let length = 0; length < links.length; length++) {
    for (const entry of decodeInterfaces(links.subarray(0, length), Buffer.alloc(0)))
      assert.ok(whole.includes(JSON.stringify(entry)), `cut at ${length}`);
  }
  for (let length = 0; length < addresses.length; length++) {
    const [eth0] = decodeInterfaces(links, addresses.subarray(0, length));
    assert.deepEqual(eth0?.addresses, shown.slice(0, eth0?.addresses.length));
  }
});

test('hostile lengths end the decoding', () => {
  for (let at = 0; at < links.length; at += 2) {
    for (const value of [0, 1, 3, 0xffff]) {
      const hostile = Buffer.from(links);
      hostile.writeUInt16LE(value, at);
      decodeInterfaces(hostile, hostile);
    }
  }
});
