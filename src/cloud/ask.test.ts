import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { asker } from './ask.ts';
import type { Connect } from './connect.ts';
import { ibm } from './providers/ibm.ts';

async function serve(t: TestContext, answer: (outgoing: ServerResponse) => void): Promise<Server> {
  const server = createServer((_incoming, outgoing) => answer(outgoing));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return server;
}

/** Whoever is asked, it is this server. */
const to =
  (server: Server): Connect =>
  async () =>
    connect((server.address() as AddressInfo).port, '127.0.0.1');

const request = { method: 'GET', url: 'http://metadata.example/', gives: '' } as const;
const resolve = async (): Promise<string> => '169.254.169.254';
const closing = new AbortController().signal;

test('a body that stalls after its first byte', async (t) => {
  const server = await serve(t, (outgoing) => outgoing.writeHead(200).write('{'));
  await assert.rejects(asker({ connect: to(server), resolve, closing })(request), {
    code: 'ETIMEDOUT',
    message: 'GET http://metadata.example/: no answer within 5 s',
  });
});

test('looking up the name is part of the five seconds', async (t) => {
  const server = await serve(t, (outgoing) => outgoing.end('good'));
  let givenMs = 0;
  const ask = asker({
    connect: async (address, port, signal, withinMs) => {
      givenMs = withinMs;
      return to(server)(address, port, signal, withinMs);
    },
    resolve: async () => sleep(1000, '169.254.169.254'),
    closing,
  });
  assert.equal((await ask(request)).body, 'good');
  assert.ok(givenMs > 0 && givenMs <= 4001, `${givenMs} ms`);
});

test('when it ends, nothing else is begun', async () => {
  const closer = new AbortController();
  const tried: number[] = [];
  const ask = asker({
    connect: async (_address, port) => {
      tried.push(port);
      closer.abort();
      throw new Error('refused');
    },
    resolve,
    closing: closer.signal,
  });
  await assert.rejects(ibm().read(ask));
  assert.deepEqual(tried, [80], 'http, and no https');
});
