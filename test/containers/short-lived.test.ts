/** Containers that come and go between two readings: all are seen, each with the CPU time that it used. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { run } from '../agent/rig.ts';
import { skip } from '../kernel/machine.ts';
import { page, seriesOf } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { everybody, makePlace } from './tree.ts';

const usage = 'container_resources_cpu_usage_seconds_total';
const containers = Number(process.env['TRUTH_CONTAINERS'] ?? 150);
const perSecond = 50;
const atOnce = 25;

/** Runs as many containers one after the other as are wanted, each for a moment; answers the nanoseconds of CPU that each used, at least and at most, by its id. */
async function comeAndGo(
  name: string,
  count: number,
  ms: (i: number) => number,
): Promise<Map<string, readonly [number, number]>> {
  const used = new Map<string, readonly [number, number]>();
  const one = async (i: number): Promise<void> => {
    const place = makePlace(`${name}-${process.pid}-${i}.service`);
    const work = await place.work('burn', String(ms(i)));
    used.set(place.path, await work.end());
    await place.remove();
  };
  const running = new Set<Promise<void>>();
  for (let i = 0; i < count; i++) {
    const started = one(i).finally(() => running.delete(started));
    running.add(started);
    if (running.size >= atOnce) await Promise.race(running);
    await sleep(1000 / perSecond);
  }
  await Promise.all(running);
  return used;
}

async function shown(url: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const [key, value] of seriesOf((await page(`${url}/metrics`)) ?? '')) {
    const id = /container_id="([^"]*)"/.exec(key)?.[1];
    if (id !== undefined && key.startsWith(`${usage}{`)) found.set(id, value);
  }
  return found;
}

for (const [what, name, ms] of [
  ['containers of a few moments', 'moments', (i: number) => 5 + (i % 8) * 10],
  ['containers of five milliseconds', 'five', () => 5],
] as const) {
  test(`${what} are all seen, with the CPU time that they used`, { skip }, async (t) => {
    const agent = await run(t, undefined, everybody);
    const expected = await comeAndGo(name, containers, ms);
    await sleep(1100); // the last tasks are freed, and a snapshot is reused for a second
    const actual = await shown(agent.url);
    const wrong = [...expected].flatMap(([id, [least, most]]) => {
      const ns = (actual.get(id) ?? NaN) * 1e9;
      const slack = Math.max(least * 0.02, 1e7);
      return ns >= least - slack && ns <= most + slack ? [] : [[id, least, ns, most]];
    });
    t.diagnostic(`${expected.size} containers, ${wrong.length} wrong`);
    assert.deepEqual(wrong, []);
    proves(t, usage);
  });
}
