/** Segments that are sent again, over a link that goes down and up, against what the two network namespaces count. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../agent/rig.ts';
import { page } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { counted, forEachSource, startCounting, until, skipWalks } from './machine.ts';
import { linked, retransmitted, setFarLink, type Link } from './link.ts';
import { exchange, ownEnds, serve, type Truth } from './traffic.ts';

const port = '21785';
const connections = 3000;
/** Segments that are lost; the rest of the load is left in peace. */
const enough = 8;
const ends = ownEnds('retransmits');

/** Runs a load between the two while the link goes down and up; answers what both sides have done. */
async function lossyLoad(link: Link): Promise<Truth> {
  const { near, far } = link;
  const serving = await serve(ends.server, port, far);
  try {
    let running = true;
    const load = exchange(ends.client, '10.8.7.2', port, connections, near).finally(() => (running = false));
    while (running && retransmitted(near) + retransmitted(far) < enough) {
      setFarLink(link, 'down');
      await sleep(60);
      setFarLink(link, 'up');
      await sleep(100);
    }
    const truth = await load;
    await serving.end();
    assert.ok(retransmitted(near) + retransmitted(far) > 0, 'some were lost');
    return truth;
  } finally {
    serving.kill();
  }
}

forEachSource((source, lack) => {
  test('segments that are sent again on both sides', { skip: lack, timeout: 120_000 }, async (t) => {
    const made = await linked();
    if (made === undefined) return t.skip('needs ip and veth');
    const { child, near, far } = made;
    t.after(() => child.stdin?.end());
    const counting = await startCounting({ source });
    try {
      const truth = await lossyLoad(made);
      await until('all have ended', async () =>
        [...(await counted(counting, [ends.client.id, ends.server.id])).values()].every(
          ({ active }) => active === 0,
        ),
      );
      const found = await counted(counting, [ends.client.id, ends.server.id]);
      const out = found.get(`${ends.client.id} 10.8.7.2:${port}`)!;
      const came = found.get(`${ends.server.id} <10.8.7.2:${port}`)!;
      assert.deepEqual([out.bytesSent, out.bytesReceived], [truth.sent, truth.received]);
      assert.equal(out.retransmits + out.synRetransmits, retransmitted(near), 'the side that connects');
      assert.equal(came.retransmits, retransmitted(far), 'the side that accepts');
      t.diagnostic(`${retransmitted(near)} and ${retransmitted(far)} segments`);
    } finally {
      counting.close();
    }
  });
});

test('the same on the page of the agent', { skip: skipWalks, timeout: 120_000 }, async (t) => {
  const made = await linked();
  if (made === undefined) return t.skip('needs ip and veth');
  const { child, near, far } = made;
  t.after(() => child.stdin?.end());
  const agent = await run(t, undefined, [
    '--min-container-age',
    '0s',
    '--skip-systemd-system-services=false',
  ]);
  await lossyLoad(made);
  const sum = async (families: RegExp): Promise<number> =>
    ((await page(`${agent.url}/metrics`)) ?? '')
      .split('\n')
      .filter((line) => families.test(line) && line.includes(`10.8.7.2:${port}`))
      .reduce((all, line) => all + Number(line.slice(line.lastIndexOf(' '))), 0);
  await until('the side that connects', async () => {
    await sleep(1100);
    return (await sum(/^container_net_tcp_(syn_)?retransmits_total/)) === retransmitted(near);
  });
  assert.equal(await sum(/^container_net_tcp_accepted_retransmits_total/), retransmitted(far));
  proves(t, 'container_net_tcp_retransmits_total');
});
