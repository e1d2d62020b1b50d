import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pingable } from './address.ts';

test('addresses of other machines are pinged', () => {
  const hex = (text: string): string => Buffer.from(pingable(text) ?? []).toString('hex');
  assert.equal(hex('10.0.0.1'), '00000000000000000000ffff0a000001');
  assert.equal(hex('203.0.113.9'), '00000000000000000000ffffcb007109');
  assert.equal(hex('fd00::9'), 'fd000000000000000000000000000009');
  assert.equal(hex('::ffff:10.0.0.1'), hex('10.0.0.1'));
});

for (const text of [
  ...['0.0.0.0', '127.0.0.1', '127.1.2.3', '169.254.169.254', '224.0.0.1', '255.255.255.255'],
  ...['::', '::1', 'fe80::1', 'ff02::1', '::ffff:127.0.0.1'],
  ...['~other', '', 'example.com', '10.0.0.256'],
])
  test(`"${text}" is not pinged`, () => assert.equal(pingable(text), undefined));
