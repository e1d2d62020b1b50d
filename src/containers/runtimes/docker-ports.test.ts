import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { publishedPorts } from './docker-ports.ts';

test('TCP ports, once each', () => {
  const both = [
    { HostIp: '0.0.0.0', HostPort: '8080' },
    { HostIp: '::', HostPort: '8080' },
  ];
  const ports = {
    '80/tcp': [...both, ...both],
    '53/udp': [{ HostIp: '0.0.0.0', HostPort: '53' }],
    '443/tcp': null,
    '81/tcp': [{ HostIp: '', HostPort: '81' }, { HostPort: '82' }],
  };
  assert.deepEqual(publishedPorts(ports), [
    { address: '0.0.0.0', port: 8080 },
    { address: '::', port: 8080 },
    { address: '0.0.0.0', port: 81 },
    { address: '0.0.0.0', port: 82 },
  ]);
});

test('what makes no sense is left out', () => {
  for (const odd of [undefined, null, 1, 'x', [], [[]], { '80/tcp': {} }, { '80/tcp': 'x' }])
    assert.deepEqual(publishedPorts(odd), []);
  for (const HostPort of ['', '0', '65536', '-1', '80 ', '1e3', '0x50', 80, null, '8'.repeat(1000)])
    assert.deepEqual(publishedPorts({ '80/tcp': [{ HostIp: '0.0.0.0', HostPort }] }), []);
  for (const HostIp of ['localhost', '0.0.0.0"', 'fe80::1%\n', '1.2.3', 7, null, {}])
    assert.deepEqual(publishedPorts({ '80/tcp': [{ HostIp, HostPort: '80' }, null, 7, 'x'] }), []);
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (HostIp, HostPort) => {
      for (const { address, port } of publishedPorts({ '80/tcp': [{ HostIp, HostPort }] }))
        assert.ok(/^[\d.:a-f]+$/i.test(address) && port > 0 && port < 65536);
    }),
  );
});

test('no more than 1024', () => {
  const many = Array.from({ length: 60_000 }, (_, i) => ({ HostIp: '::', HostPort: String(i + 1) }));
  assert.equal(publishedPorts({ '80/tcp': many }).length, 1024);
});
