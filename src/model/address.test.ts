import assert from 'node:assert/strict';
import { test } from 'node:test';
import ipaddr from 'ipaddr.js';
import fc from 'fast-check';
import { addressText, endpointText } from './address.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

test('addresses of RFC 5952', () => {
  for (const [hex, text] of [
    ['00000000000000000000ffff0a000001', '10.0.0.1'],
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010db8000000000000000000000001', '2001:db8::1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'], // one zero group is not shortened
    ['20010000000000010000000000000001', '2001:0:0:1::1'], // the longer run
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'], // the first of equal runs
    ['fe800000000000000000000000000000', 'fe80::'],
    ['0000000000000000000000000a000001', '::a00:1'], // not a mapped address
  ] as const)
    assert.equal(addressText(bytes(hex)), text);
});

test('any IPv6 address reads as another implementation writes it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0, 0, 0, 1, 0x20, 0xff), { minLength: 16, maxLength: 16 }),
      (octets) => {
        const expected = ipaddr.fromByteArray(octets) as ipaddr.IPv6;
        fc.pre(!expected.isIPv4MappedAddress());
        assert.equal(addressText(Uint8Array.from(octets)), expected.toRFC5952String());
      },
    ),
  );
});

test('endpoints', () => {
  assert.equal(endpointText(bytes('00000000000000000000ffff7f000001'), 80), '127.0.0.1:80');
  assert.equal(endpointText(bytes('00000000000000000000000000000001'), 65535), '[::1]:65535');
});
