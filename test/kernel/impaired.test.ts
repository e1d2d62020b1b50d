/** A link with delay and loss, against the clocks and bytes of the programs at its ends and the kernel's own figures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { timesModel } from '../../src/tcp/times.ts';
import { impair, linked, retransmitted, synRetransmitted, type Link } from './link.ts';
import { counted, forEachSource, startCounting, until, type Counted } from './machine.ts';
import { exchange, ownEnds, serve } from './traffic.ts';

const port = '21787';
const connections = 60;
const ends = ownEnds('impaired');

/** Two namespaces whose near end is impaired, or the test is skipped. */
async function impairedLink(t: TestContext, ...how: string[]): Promise<Link | undefined> {
  const link = await linked();
  if (link === undefined) return void t.skip('needs ip and veth');
  t.after(() => link.child.stdin?.end());
  if (!impair(link, ...how)) return void t.skip('needs the queueing discipline netem');
  return link;
}

forEachSource((source, lack) => {
  test('times over a link of 20 ms', { skip: lack, timeout: 120_000 }, async (t) => {
    const link = await impairedLink(t, 'delay', '20ms');
    if (link === undefined) return;
    const counting = await startCounting({ source });
    const serving = await serve(ends.server, port, link.far);
    try {
      const truth = await exchange(ends.client, '10.8.7.2', port, connections, link.near);
      await serving.end();
      const container = { id: '/client', labels: {}, visible: true };
      const model = timesModel(
        { byCgroup: (id) => (id === ends.client.id ? container : undefined) },
        () => null,
      );
      await until('all have ended', async () => {
        model.update(await counting.read());
        return [...model.all()].some(({ roundTrip }) => count(roundTrip.counts) >= connections);
      });
      const [{ connect, roundTrip } = { connect: nothing, roundTrip: nothing }] = [...model.all()];
      assert.deepEqual([count(connect.counts), count(roundTrip.counts)], [connections, connections]);
      const own = truth.connectNs / 1e9;
      t.diagnostic(`s: ${own} by the client, ${connect.sum} to connect, ${roundTrip.sum} there and back`);
      assert.ok(connect.sum <= own && connect.sum > own * 0.9, 'time to connect');
      assert.ok(Math.abs(roundTrip.sum - own) < own * 0.1, 'round trips');
    } finally {
      serving.kill();
      counting.close();
    }
  });

  test('bytes and what is sent again where a part is lost', { skip: lack, timeout: 240_000 }, async (t) => {
    const link = await impairedLink(t, 'loss', '3%');
    if (link === undefined) return;
    const { near, far } = link;
    const counting = await startCounting({ source });
    const serving = await serve(ends.server, port, far);
    try {
      const truth = await exchange(ends.client, '10.8.7.2', port, connections, near);
      const all = await serving.end();
      const ids = [ends.client.id, ends.server.id];
      await until('all have ended', async () =>
        [...(await counted(counting, ids)).values()].every(({ active }) => active === 0),
      );
      const found = await counted(counting, ids);
      const out = found.get(`${ends.client.id} 10.8.7.2:${port}`);
      const came = found.get(`${ends.server.id} <10.8.7.2:${port}`);
      t.diagnostic(`sent again: ${retransmitted(near)} and ${retransmitted(far)}`);
      assert.ok(retransmitted(near) > 0, 'some were lost');
      assert.deepEqual(bytesOf(out), [truth.connections, truth.sent, truth.received]);
      assert.deepEqual(bytesOf(came), [all.connections, all.sent, all.received]);
      assert.equal(out?.synRetransmits, synRetransmitted(near));
      assert.equal(out.retransmits + out.synRetransmits, retransmitted(near));
      // A server that never hears the end of a handshake may answer the SYN again before there is a connection.
      const ofConnections = retransmitted(far) - synRetransmitted(far);
      assert.ok(came!.retransmits >= ofConnections && came!.retransmits <= retransmitted(far));
    } finally {
      serving.kill();
      counting.close();
    }
  });
});

const nothing = { sum: 0, counts: [] };
const count = (counts: readonly number[]): number => counts.reduce((sum, each) => sum + each, 0);
const bytesOf = (found?: Counted): unknown =>
  found && [found.successful, found.bytesSent, found.bytesReceived];
