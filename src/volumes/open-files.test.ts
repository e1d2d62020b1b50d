import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writtenMount } from './open-files.ts';

const fdinfo = (flags: string, id = '31'): string => `pos:\t0\nflags:\t${flags}\nmnt_id:\t${id}\nino:\t5\n`;

test('the mount of what is open for writing', () => {
  for (const [flags, mount] of [
    ['0100001', 31],
    ['02102002', 31],
    ['0100000', undefined],
    ['02000003', undefined],
    ['x', undefined],
    ['9', undefined],
  ] as const)
    assert.equal(writtenMount(fdinfo(flags)), mount, flags);
});

test('what is not as it should be has none', () => {
  const whole = fdinfo('0100001');
  for (let length = 0; length < whole.indexOf('ino'); length++)
    assert.ok([undefined, 31].includes(writtenMount(whole.slice(0, length))));
  for (const text of ['', '\0'.repeat(1000), fdinfo('0100001', '-1'), fdinfo('0100001', '9'.repeat(400))])
    assert.equal(writtenMount(text), undefined);
});
