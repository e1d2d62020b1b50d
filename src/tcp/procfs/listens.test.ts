import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tcpLayouts } from '../../kernel/layouts.ts';
import { unknownLimit } from '../../kernel/tcp-program.ts';
import { listeningSockets, listensOf } from './listens.ts';
import type { ProcSocket } from './sockets.ts';

const { listenKey, listenValue } = tcpLayouts;
const any4 = Buffer.from('00000000000000000000ffff00000000', 'hex');
const any6 = Buffer.alloc(16);

function socket(localAddress: Buffer, localPort: number, queue = 0): ProcSocket {
  return { localAddress, localPort, address: any6, port: 0, state: 10, queue, inode: 1 };
}

test('all of IPv6 is for IPv6 alone where another socket has the port for all of IPv4', () => {
  const one4 = Buffer.from('00000000000000000000ffff0a000001', 'hex');
  const found = listeningSockets([socket(any6, 80), socket(any4, 80), socket(any6, 81), socket(one4, 81)], 7);
  assert.deepEqual(
    found.map(({ ipv6Only }) => ipv6Only),
    [true, false, false, false],
  );
});

test('sockets of one cgroup on one address are one entry, of which limit and drops are not known', () => {
  const [one] = listeningSockets([socket(any4, 80, 3)], 7);
  const listens = listensOf(
    [
      [1, one!],
      [1, one!],
      [2, one!],
    ],
    9,
    1234,
  );
  assert.equal(listens.length, 2 * (listenKey.size + listenValue.size));
  const value = listens.subarray(listenKey.size);
  const { fields } = listenValue;
  const figures = [fields.walk, fields.sockets, fields.queue, fields.limit].map(({ offset }) =>
    value.readUInt32LE(offset),
  );
  assert.deepEqual(figures, [9, 2, 6, unknownLimit]);
});

test('no more than 8192', () => {
  const [one] = listeningSockets([socket(any4, 80)], 7);
  const many = Array.from({ length: 9000 }, (_, i) => [i + 1, one!] as const);
  assert.equal(listensOf(many, 1, 1).length, 8192 * (listenKey.size + listenValue.size));
});
