import fc from 'fast-check';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addressOf, resolver } from './resolve.ts';

const name = '0361706903636f6d00';
const question = `${name}00010001`;
const header = (id: string, flags: string, answers: string): string => `${id}${flags}0001${answers}00000000`;
const message = (...parts: readonly string[]): Buffer => Buffer.from(parts.join(''), 'hex');

test('the first address of an answer, also behind an alias', () => {
  const address = 'c00c000100010000003c0004a9fea9fe';
  const alias = 'c00c000500010000003c0004016ac00c';
  assert.equal(addressOf(message(header('002a', '8180', '0001'), question, address), 42), '169.254.169.254');
  assert.equal(
    addressOf(message(header('002a', '8180', '0002'), question, alias, address), 42),
    '169.254.169.254',
  );
});

test('what is no answer to the question', () => {
  const address = `${name}000100010000003c0004a9fea9fe`;
  const whole = message(header('002a', '8180', '0001'), question, address);
  assert.throws(() => addressOf(whole, 43), { code: 'EBADMSG' });
  assert.throws(() => addressOf(message(header('002a', '0180', '0001'), question, address), 42), {
    code: 'EBADMSG',
  });
  assert.throws(() => addressOf(message(header('002a', '8183', '0000'), question), 42), {
    message: 'RCODE 3',
  });
  assert.throws(() => addressOf(message(header('002a', '8180', '0000'), question), 42), {
    code: 'ENOTFOUND',
  });
  for (let end = 0; end < whole.length; end++) assert.throws(() => addressOf(whole.subarray(0, end), 42));
});

test('any bytes end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        assert.match(addressOf(Buffer.from(bytes), 0), /^\d+\.\d+\.\d+\.\d+$/);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
  );
});

function rootOf(t: TestContext, make: (root: string) => void): string {
  const root = mkdtempSync(join(tmpdir(), 'resolve-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'etc'));
  make(root);
  return root;
}

/** The servers that are tried for a root directory. */
async function servers(t: TestContext, make: (root: string) => void): Promise<string[]> {
  const root = rootOf(t, make);
  const tried: string[] = [];
  const resolve = resolver(async (address) => {
    tried.push(address);
    throw new Error('refused');
  }, root);
  await assert.rejects(resolve('a.com', new AbortController().signal), { code: 'ENOTFOUND' });
  return tried;
}

test('name servers of the host, three at most', async (t) => {
  const text =
    '# nameserver 9.9.9.9\nnameserver fe80::1%eth0\nnameserver 10.0.0.1\nnameserver x\nnameserver\t::1\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n';
  const tried = await servers(t, (root) => writeFileSync(join(root, 'etc/resolv.conf'), text));
  assert.deepEqual(tried, ['10.0.0.1', '::1', '10.0.0.3']);
  assert.deepEqual(await servers(t, () => {}), []);
});

test('one that is dead leaves time for the next', async (t) => {
  const root = rootOf(t, (at) =>
    writeFileSync(join(at, 'etc/resolv.conf'), 'nameserver 10.0.0.1\nnameserver 10.0.0.2\n'),
  );
  const living = createServer((socket) =>
    socket.once('data', (query: Buffer) => {
      const address = 'c00c000100010000003c0004a9fea9fe';
      const answer = message(header(query.toString('hex', 2, 4), '8180', '0001'), question, address);
      socket.end(Buffer.concat([Buffer.from([0, answer.length]), answer]));
    }),
  );
  await once(living.listen(0, '127.0.0.1'), 'listening');
  t.after(() => living.close());
  const shares: number[] = [];
  const resolve = resolver(async (address, _port, signal, withinMs) => {
    shares.push(withinMs);
    if (address === '10.0.0.1') await sleep(60_000, undefined, { signal });
    return connect((living.address() as AddressInfo).port, '127.0.0.1');
  }, root);
  assert.equal(await resolve('a.com', AbortSignal.timeout(60_000)), '169.254.169.254');
  assert.deepEqual(shares, [1500, 1500]);
});

test('links are those of the host', async (t) => {
  for (const link of ['/run/resolv.conf', '../run/resolv.conf', '../../../../run/resolv.conf']) {
    const tried = await servers(t, (root) => {
      mkdirSync(join(root, 'run'));
      writeFileSync(join(root, 'run/resolv.conf'), 'nameserver 127.0.0.53\n');
      symlinkSync(link, join(root, 'etc/resolv.conf'));
    });
    assert.deepEqual(tried, ['127.0.0.53'], link);
  }
  const around = await servers(t, (root) => symlinkSync('resolv.conf', join(root, 'etc/resolv.conf')));
  assert.deepEqual(around, []);
});
