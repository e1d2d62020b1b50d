/** Bytes and connections of both sides, however they end, against what the programs themselves have sent and received. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TcpOptions } from '../../src/kernel/tcp.ts';
import { counted, forEachSource, startCounting, until, type Counted, skipWalks } from './machine.ts';
import { add, exchange, ownEnds, serve, type Truth } from './traffic.ts';

const port = '21770';
const connections = Math.max(60, Math.ceil(Number(process.env['TRUTH_CONNECTS'] ?? 20_000) / 50));
const clients = ['127.0.0.1', '::1', '::ffff:127.0.0.1'];
const shown = (address: string): string => (address === '::1' ? '[::1]' : '127.0.0.1');

const ends = ownEnds('traffic');

/** Connections, bytes sent and received. */
type Figures = readonly number[];

const figuresOf = ({ connections: made, sent, received }: Truth): Figures => [made, sent, received];

function shownOf(found: Counted | undefined): Figures | undefined {
  return found && [found.successful, found.bytesSent, found.bytesReceived];
}

async function expectTraffic(options: Partial<TcpOptions>): Promise<void> {
  const counting = await startCounting(options);
  const serving = await serve(ends.server, port);
  try {
    const expected = new Map<string, Truth>();
    let running = clients.length;
    const loads = clients.map(async (address) => {
      const made = await exchange(ends.client, address, port, connections);
      const key = `${ends.client.id} ${shown(address)}:${port}`;
      const before = expected.get(key);
      expected.set(key, before === undefined ? made : add(before, made));
      running--;
    });
    // Walks that meet connections which are ending.
    while (running > 0) await counted(counting, [ends.client.id]);
    await Promise.all(loads);
    const all = await serving.end();
    const ids = [ends.client.id, ends.server.id];
    await until('all have ended', async () =>
      [...(await counted(counting, ids)).values()].every(({ active }) => active === 0),
    );

    const found = await counted(counting, ids);
    for (const [key, truth] of expected) {
      assert.deepEqual(shownOf(found.get(key)), figuresOf(truth), key);
      assert.ok(
        found.get(key)!.connectNs > 0 && found.get(key)!.connectNs <= truth.connectNs,
        'time to connect',
      );
    }
    const accepted = ['127.0.0.1', '[::1]'].map((own) =>
      shownOf(found.get(`${ends.server.id} <${own}:${port}`))!,
    );
    const sum = accepted.reduce((one, other) => one.map((figure, at) => figure + other[at]!));
    assert.deepEqual(sum, figuresOf(all), 'the side that accepts');
    assert.equal([...found.keys()].length, 4, 'nothing else');
  } finally {
    serving.kill();
    counting.close();
  }
}

forEachSource((source, lack) => {
  test('bytes of both sides', { skip: lack }, () => expectTraffic({ source }));
});

test('bytes of both sides, with a walk over a map of the open sockets', { skip: skipWalks }, () =>
  expectTraffic({ walked: 'tcp_open' }),
);
