/** Containers that connect to each other, directly and by published ports: who connected, and who accepted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addTo, connects, ownContainers, pairs, skip } from './container-ways.ts';
import { serve } from './containers.ts';
import { forEachSource, type Counted } from './machine.ts';
import { counting, type Whole } from './whole.ts';

const both = ownContainers();

/** Sorted, without those that have none. */
function figures(found: ReadonlyMap<string, Counted>, of: (counts: Counted) => number): Map<string, number> {
  const all = [...found].map(([key, counts]): [string, number] => [key, of(counts)]);
  return new Map(all.filter(([, figure]) => figure > 0).sort());
}

async function expectCounted({ counted, refused, program }: Whole): Promise<string> {
  const { servers } = both;
  const serving = await Promise.all(servers.map((server) => serve(server)));
  const all = [...pairs(both)];
  const each = Math.ceil(connects / all.length);
  const made = new Map<string, number>();
  /** As the clients have it, who may reset a connection before the server has heard that it is there. */
  const reached = new Map<string, number>();
  const runs = all.map(async ({ client, server, way }) => {
    const args = ['connect', way.address, String(way.port), String(each)];
    const result = await both.run(client).run(...args);
    assert.deepEqual(result, { established: each, refused: 0, other: 0 });
    addTo(made, `${client.cgroup.id} ${way.to}`, each);
    addTo(reached, `${server.cgroup.id} <${way.own}`, each);
  });
  await Promise.all(runs);
  const accepted = new Map<string, number>();
  for (const [i, counts] of (await Promise.all(serving.map((server) => server.end()))).entries())
    for (const [own, count] of counts) addTo(accepted, `${servers[i]!.cgroup.id} <${own}`, count);
  for (const [key, count] of reached) assert.ok((accepted.get(key) ?? 0) <= count, key);

  const found = await counted(both.ids);
  assert.deepEqual(
    figures(found, ({ successful }) => successful),
    new Map([...made, ...accepted].sort()),
  );
  assert.equal(figures(found, ({ allFailed }) => allFailed).size, 0);
  for (const [map, count] of Object.entries(refused())) assert.equal(count, 0, map);
  assert.equal((await program.figures().object.readMap('nat_translations')).length, 0, 'all were consumed');
  const sum = [...accepted.values()].reduce((total, count) => total + count, 0);
  return `${all.length * each} connections, ${sum} of them accepted`;
}

forEachSource((source, lack) => {
  test('each connection counts for both containers', { skip: skip || lack }, (t) =>
    counting(t, source, { hostNamespace: both.network.router }, async (whole) => {
      t.diagnostic(await expectCounted(whole));
    }),
  );
}, false);
