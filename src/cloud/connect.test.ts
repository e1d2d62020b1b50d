import assert from 'node:assert/strict';
import { fstatSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { connector, type Connect } from './connect.ts';

/** Connects by an addon that answers with the descriptor of a file, which is no socket. */
function withFile(onOpen = (): void => {}): { connect: Connect; fds: number[] } {
  const fds: number[] = [];
  const connectIn = async (): Promise<number> => {
    fds.push(openSync(import.meta.filename, 'r'));
    onOpen();
    return fds[0]!;
  };
  return { connect: connector({ connectIn }, '/proc/1/ns/net'), fds };
}

test('a descriptor that nobody takes is closed', async () => {
  const closer = new AbortController();
  const late = withFile(() => closer.abort());
  await assert.rejects(late.connect('127.0.0.1', 80, closer.signal, 1000), { name: 'AbortError' });
  const odd = withFile();
  await assert.rejects(odd.connect('127.0.0.1', 80, new AbortController().signal, 1000), {
    code: 'ERR_INVALID_FD_TYPE',
  });
  for (const { fds } of [late, odd]) {
    assert.equal(fds.length, 1);
    assert.throws(() => fstatSync(fds[0]!), { code: 'EBADF' });
  }
});

test('nothing is connected once it has ended', async () => {
  const { connect, fds } = withFile();
  await assert.rejects(connect('127.0.0.1', 80, AbortSignal.abort(), 1000), { name: 'AbortError' });
  assert.deepEqual(fds, []);
});
