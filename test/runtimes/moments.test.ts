/** Containers that run for a moment, as fast as a runtime makes them: each is seen, under its name, with its CPU time. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { noteSeen } from '../conformance/seen.ts';
import { seriesOf } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { skip, startRuntime, until } from '../nodes/runtimes/runtime.ts';

const usage = 'container_resources_cpu_usage_seconds_total';
const containers = Math.ceil(Number(process.env['TRUTH_CONTAINERS'] ?? 150) / 20);
const atOnce = 4;
/** Some tens of milliseconds of CPU. */
const command = ['/bin/sh', '-c', 'i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done'];

for (const name of ['docker', 'containerd'])
  test(`${name}: ${containers} containers of a moment`, { skip }, async (t) => {
    const node = await startRuntime(t, name);
    const agent = await node.startAgent('--min-container-age', '0s');
    const wanted: string[] = [];
    for (let start = 0; start < containers; start += atOnce)
      for (const { knownAs } of await Promise.all(
        Array.from({ length: Math.min(atOnce, containers - start) }, (_, i) =>
          node.run({ name: `moment-${start + i}`, command }),
        ),
      ))
        wanted.push(knownAs);
    let seen = new Map<string, number>();
    await until('all of them', async () => {
      await sleep(1100);
      const text = await agent.page();
      noteSeen(text);
      seen = new Map(
        [...seriesOf(text)].flatMap(([key, value]) => {
          const id = /container_id="(\/(?:docker|k8s)\/[^"]*)"/.exec(key)?.[1];
          return key.startsWith(`${usage}{`) && id !== undefined && value > 0.005 ? [[id, value]] : [];
        }),
      );
      return seen.size >= wanted.length ? true : undefined;
    }).catch(() => {});
    assert.deepEqual([...seen.keys()].sort(), wanted.sort());
    proves(t, usage);
  });
