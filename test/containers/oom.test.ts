/** OOM kills of containers on this machine: each that the test saw, once, whoever tells of it. */
import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { test, type TestContext } from 'node:test';
import { agentUnder, direct, type FaultyAgent } from '../faults/agent.ts';
import { denying, skipDeny } from '../faults/deny.ts';
import { hierarchy, skip } from '../kernel/machine.ts';
import { until } from '../peers/peer.ts';
import { onlyVirtual } from '../nodes/virtual.ts';
import { proves } from '../proof.ts';
import { everybody, makePlace, type Place } from './tree.ts';

const megabyte = 2 ** 20;
const family = 'container_oom_kills_total';

function makePlaces(name: string, count: number): Place[] {
  return Array.from({ length: count }, (_, i) => {
    const place = makePlace(`${name}-${i}-${process.pid}.service`);
    place.limitMemory(16 * megabyte);
    return place;
  });
}

const die = (place: Place): Promise<void> => place.killed('touch', '64');

/** Kills by place; NaN where there is no series. Looks until they are as wanted, or for a while. */
async function expectKills(
  t: TestContext,
  agent: FaultyAgent,
  places: readonly Place[],
  wanted: readonly number[],
): Promise<void> {
  let shown: number[] = [];
  await until(
    'the kills',
    async () => {
      const series = [...(await agent.series())].filter(([key]) => key.startsWith(`${family}{`));
      shown = places.map(({ path }) => series.find(([key]) => key.includes(`"${path}"`))?.[1] ?? NaN);
      return shown.join() === wanted.join() || undefined;
    },
    10_000,
  ).catch(() => {});
  assert.deepEqual(shown, wanted);
  proves(t, family);
}

test('100 kills in 20 containers, in cgroups inside that are gone too, are 100', { skip }, async (t) => {
  const agent = await agentUnder(t, direct, { args: everybody });
  const places = makePlaces('oom', 20);
  for (const place of places) {
    await Promise.all([die(place), die(place)]);
    const inside = place.inside('worker', 'with controllers');
    for (let i = 0; i < 3; i++) await die(inside);
    await inside.remove();
  }
  await expectKills(
    t,
    agent,
    places,
    places.map(() => 5),
  );
});

test(
  'a kill for want of memory of the whole machine is that of the container of the victim',
  { skip: skip || onlyVirtual },
  async (t) => {
    const agent = await agentUnder(t, direct, { args: everybody });
    const [greedy, calm] = ['greedy', 'modest'].map((name) => makePlace(`${name}-${process.pid}.service`));
    await calm!.work('burn', '1');
    // More than there is; nobody else has so much, so it is the victim.
    await greedy!.killed('touch', String(Math.ceil((totalmem() * 1.2) / megabyte)));
    await expectKills(t, agent, [greedy!, calm!], [1, NaN]);
  },
);

test('without a kill there is no series; kills before the agent do not count', { skip }, async (t) => {
  const [calm, before] = makePlaces('calm', 2) as [Place, Place];
  await die(before);
  // Something that is older than the agent shows that the container is.
  await before.work('burn', '1');
  const agent = await agentUnder(t, direct, { args: everybody });
  await calm.work('burn', '1');
  await expectKills(t, agent, [calm, before], [NaN, NaN]);
  await die(before);
  await expectKills(t, agent, [calm, before], [NaN, 1]);
});

test('without programs the cgroups tell', { skip: skip || skipDeny }, async (t) => {
  const withoutBpf = (command: string, line: readonly string[]): readonly [string, string[]] => {
    const [first = '', ...rest] = denying({ syscalls: ['bpf'], errno: 'EPERM' }, command, line);
    return [first, rest];
  };
  // Without events cgroups are found by the walk at the start, and then every half a minute.
  const places = makePlaces('bare', 3);
  const inside = places.map((place) => place.inside('worker'));
  const agent = await agentUnder(t, withoutBpf, { args: everybody });
  for (const place of [...places, ...inside]) await die(place);
  // Where each cgroup tells of itself alone, it must be there when it is read.
  if (hierarchy.version === 1) await expectKills(t, agent, places, [2, 2, 2]);
  for (const place of inside) await place.remove();
  await expectKills(t, agent, places, [2, 2, 2]);
});
