import assert from 'node:assert/strict';
import { test } from 'node:test';
import ipaddr from 'ipaddr.js';
import { ignoredPortBits } from '../ports.ts';
import { destinationCounts } from './destinations.ts';

function counts(text: string, port: number, loopbackCounts: boolean): boolean {
  const parsed = ipaddr.parse(text);
  const v6 = parsed instanceof ipaddr.IPv6 ? parsed : parsed.toIPv4MappedAddress();
  const address = Uint8Array.from(v6.toByteArray());
  return destinationCounts({ address, port }, ignoredPortBits([[100, 199]]), loopbackCounts);
}

test('the rules of the programs in the kernel', () => {
  for (const address of ['10.1.2.3', '8.8.8.8', '169.253.0.1', '2001:db8::1', 'fec0::1', '::2', '::']) {
    assert.ok(counts(address, 99, false), address);
    assert.ok(!counts(address, 100, true), address);
    assert.ok(!counts(address, 199, true), address);
  }
  for (const address of ['127.0.0.1', '127.255.255.255', '::1']) {
    assert.ok(counts(address, 80, true), address);
    assert.ok(!counts(address, 80, false), address);
  }
  for (const address of ['169.254.0.1', '169.254.255.255', 'fe80::1', 'febf::1'])
    assert.ok(!counts(address, 80, true), address);
});
