import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWrittenOnly } from './written.ts';

test('who may read a file is no mere writer', () => {
  const info = (flags: string): string => `pos:\t0\nflags:\t${flags}\nmnt_id:\t29\nino:\t7\n`;
  assert.equal(isWrittenOnly(info('0100001')), true, 'O_WRONLY');
  assert.equal(isWrittenOnly(info('02102001')), true, 'with O_APPEND, O_CLOEXEC');
  assert.equal(isWrittenOnly(info('0100002')), false, 'O_RDWR');
  assert.equal(isWrittenOnly(info('0100000')), false, 'O_RDONLY');
  assert.equal(isWrittenOnly(info('0100003')), false, 'neither');
  for (const odd of [undefined, '', 'flags:\t9\n', 'flags:\t1']) assert.equal(isWrittenOnly(odd), false);
});
