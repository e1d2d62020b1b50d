import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenOverflows } from './overflows.ts';

test('the number under its name', () => {
  const text =
    'TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 23 45\nIpExt: ListenOverflows\nIpExt: 9\n';
  assert.equal(listenOverflows(text), 23);
});

test('what does not tell', () => {
  for (const text of [
    '',
    'TcpExt: ListenOverflows\n',
    'TcpExt: Other\nTcpExt: 1\n',
    'TcpExt: ListenOverflows\nTcpExt: x\n',
  ])
    assert.equal(listenOverflows(text), undefined);
});
