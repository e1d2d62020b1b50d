import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressText } from '../../model/address.ts';
import { parseSockets } from './sockets.ts';

const header4 =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
/** As Linux 6.18 prints them. */
const tcp4 = `${header4.padEnd(149)}
   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1591 1 00000000fb9ef507 100 0 0 10 0
   1: 0100007F:716B 2A01A8C0:D482 06 00000000:00000000 03:000012DE 00000000     0        0 0 3 000000006e08cf1a
  12: 0707070A:8F52 0100000A:01BB 01 00000010:00000020 02:0000A1B2 00000003  1000        0 4294967295 2 00000000fb9ef507 20 4 30 10 -1
`;
const tcp6 = `${header4}
   0: 00000000000000000000000001000000:8001 B80D0120000000000000000001000000:0050 08 00000000:00000000 00:00000000 00000000     0        0 77 1 0
   1: 0000000000000000FFFF00000100007F:8002 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 78 1 0
`;
const shown = (text: string): unknown[] =>
  [...parseSockets(text)].map(({ address, localPort, port, state, inode }) => [
    localPort,
    addressText(address),
    port,
    state,
    inode,
  ]);

test('sockets of both families', () => {
  assert.deepEqual(shown(tcp4), [
    [0x07e8, '0.0.0.0', 0, 10, 1591],
    [0x716b, '192.168.1.42', 0xd482, 6, 0],
    [0x8f52, '10.0.0.1', 443, 1, 4294967295],
  ]);
  assert.deepEqual(shown(tcp6), [
    [0x8001, '2001:db8::1', 80, 8, 77],
    [0x8002, '127.0.0.1', 8080, 1, 78],
  ]);
});

test('what is cut, empty, binary or odd is left out', () => {
  assert.deepEqual(shown(''), []);
  assert.deepEqual(shown('\0'.repeat(1000)), []);
  assert.deepEqual(shown('\n'.repeat(1000)), []);
  for (let length = 0; length < tcp4.length; length++)
    assert.ok(shown(tcp4.slice(0, length)).length <= 3, `cut at ${length}`);
  assert.equal(shown(tcp4.replace('0100000A', '010000XA')).length, 2);
  fc.assert(
    fc.property(fc.string({ maxLength: 400, unit: 'binary' }), (text) => {
      for (const { address } of parseSockets(`${text}\n${tcp6}`)) assert.equal(address.length, 16);
    }),
  );
});
