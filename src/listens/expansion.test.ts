import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenAddresses, publishedAddresses } from './expansion.ts';
import { bytesOf } from './reading.fixture.ts';

const all = new Uint8Array(16);
const own = ['127.0.0.1', '10.0.0.7', '::1', '2001:db8::7'];
const at = (address: string | Uint8Array, ipv6Only = false): Parameters<typeof listenAddresses>[0] => ({
  address: bytesOf(address),
  port: 80,
  ipv6Only,
});

test('wildcards are all addresses of the families that they take; loopback is the host alone', () => {
  assert.deepEqual(listenAddresses(at('0.0.0.0'), own, false), ['10.0.0.7:80']);
  assert.deepEqual(listenAddresses(at('0.0.0.0'), own, true), ['127.0.0.1:80', '10.0.0.7:80']);
  assert.deepEqual(listenAddresses(at(all), own, false), ['10.0.0.7:80', '[2001:db8::7]:80']);
  assert.deepEqual(listenAddresses(at(all, true), own, false), ['[2001:db8::7]:80']);
  assert.deepEqual(listenAddresses(at(all, true), own, true), ['[::1]:80', '[2001:db8::7]:80']);
  assert.deepEqual(listenAddresses(at(all), [], true), []);
});

test('other addresses are as they are', () => {
  assert.deepEqual(listenAddresses(at('10.0.0.9'), own, false), ['10.0.0.9:80']);
  const v6 = Uint8Array.from([0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 9]);
  assert.deepEqual(listenAddresses(at(v6), own, false), ['[2001:db8::9]:80']);
  for (const loopback of ['127.0.0.1', '127.9.9.9', Uint8Array.from([...Array<number>(15).fill(0), 1])]) {
    assert.deepEqual(listenAddresses(at(loopback), own, false), []);
    assert.equal(listenAddresses(at(loopback), own, true).length, 1);
  }
});

test('published ports are on addresses of the host of the same family', () => {
  const port = 8080;
  assert.deepEqual(publishedAddresses({ address: '0.0.0.0', port }, own), [
    '127.0.0.1:8080',
    '10.0.0.7:8080',
  ]);
  assert.deepEqual(publishedAddresses({ address: '::', port }, own), ['[::1]:8080', '[2001:db8::7]:8080']);
  assert.deepEqual(publishedAddresses({ address: '10.1.1.1', port }, own), ['10.1.1.1:8080']);
  assert.deepEqual(publishedAddresses({ address: 'fd00::1', port }, own), ['[fd00::1]:8080']);
});
