import assert from 'node:assert/strict';
import { test } from 'node:test';
import ipaddr from 'ipaddr.js';
import { networkFilter, networksOf } from './filters.ts';
import { ignoredPortBits } from './ports.ts';

/** 16 bytes, IPv4 mapped. */
function address(text: string): Uint8Array {
  const ip = ipaddr.parse(text);
  return Uint8Array.from(
    ip.kind() === 'ipv4' ? (ip as ipaddr.IPv4).toIPv4MappedAddress().toByteArray() : ip.toByteArray(),
  );
}

test('private networks and loopback count whatever the whitelist', () => {
  const keeps = networkFilter(networksOf([]));
  const kept = ['10.1.2.3', '172.31.255.255', '192.168.0.1', '100.64.0.1', '127.0.0.1', '::1', 'fd00::1'];
  const dropped = ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2001:db8::1', '::2'];
  assert.deepEqual(
    kept.filter((text) => !keeps(address(text))),
    [],
  );
  assert.deepEqual(
    dropped.filter((text) => keeps(address(text))),
    [],
  );
});

test('public networks count when they are named, each family for itself', () => {
  const keeps = networkFilter(networksOf(['0.0.0.0/0', '2001:db8::/32']));
  assert.equal(keeps(address('8.8.8.8')), true);
  assert.equal(keeps(address('2001:db8::1')), true);
  assert.equal(keeps(address('2001:db9::1')), false);
});

test('what is no network is refused', () => {
  for (const text of ['', '10.0.0.0', '10.0.0.0/33', 'example.org/8', '::/129'])
    assert.throws(() => networksOf([text]), { code: 'BAD_NETWORK' });
});

test('the bits of ignored ports', () => {
  const bits = ignoredPortBits([
    [32768, 60999],
    [7, 7],
  ]);
  const ignored = Array.from({ length: 65536 }, (_, port) => port).filter(
    (port) => bits[port >> 3]! & (1 << (port & 7)),
  );
  const expected = [7, ...Array.from({ length: 60999 - 32768 + 1 }, (_, index) => 32768 + index)];
  assert.deepEqual(
    ignored,
    expected.filter((port) => port !== 50051),
  );
  assert.equal(bits.length, 8192);
  assert.ok(ignoredPortBits([]).every((byte) => byte === 0));
});
