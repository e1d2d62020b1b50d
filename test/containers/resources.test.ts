/** CPU, memory and pressure of containers on this machine against what the test itself used. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { run, type RunningAgent } from '../agent/rig.ts';
import { hierarchy, skip } from '../kernel/machine.ts';
import { page, seriesOf } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { controllers, everybody, makePlace, textOf, type Place } from './tree.ts';

const megabyte = 2 ** 20;
const family = (name: string): string => `container_resources_${name}`;

const start = (t: TestContext): Promise<RunningAgent> => run(t, undefined, everybody);

/** Series of one container, by name without the prefix and `kind`: `cpu_usage_seconds_total`, `io_... some`. */
async function shown(agent: RunningAgent, place: Place): Promise<Map<string, number>> {
  await sleep(1100); // a snapshot is reused for a second
  const found = new Map<string, number>();
  for (const [key, value] of seriesOf((await page(`${agent.url}/metrics`)) ?? '')) {
    if (!key.includes(`container_id="${place.path}"`)) continue;
    const kind = /kind="(\w+)"/.exec(key)?.[1];
    const name = key.slice(family('').length, key.indexOf('{'));
    found.set(kind === undefined ? name : `${name} ${kind}`, value);
  }
  return found;
}

function near(actual: number | undefined, expected: number, slack: number, what: string): void {
  assert.ok(
    actual !== undefined && Math.abs(actual - expected) <= slack,
    `${what}: ${actual}, expected ${expected}`,
  );
}

test(
  'CPU seconds are those that the processes used, also after their cgroup is gone',
  { skip },
  async (t) => {
    const place = makePlace(`burn-${process.pid}.service`);
    const agent = await start(t);
    const burnt = await Promise.all(['300', '500'].map((ms) => place.work('burn', ms)));
    const seconds = burnt.reduce((sum, { cpuNs }) => sum + cpuNs, 0) / 1e9;
    const alive = (await shown(agent, place)).get('cpu_usage_seconds_total') ?? NaN;
    const used = await Promise.all(burnt.map(({ end }) => end()));
    await place.remove();
    const afterwards = await shown(agent, place);
    const [least = NaN, most = NaN] = [0, 1].map((i) => used.reduce((sum, each) => sum + each[i]!, 0) / 1e9);
    const value = afterwards.get('cpu_usage_seconds_total') ?? NaN;
    const slack = least * 0.02;
    // Besides what they burnt: they came, told of it and waited.
    const aliveMost = most + slack;
    assert.ok(
      alive >= seconds - slack && alive <= aliveMost,
      `alive: ${seconds} <= ${alive} <= ${aliveMost}`,
    );
    assert.ok(value >= least - slack && value <= most + slack, `gone: ${least} <= ${value} <= ${most}`);
    assert.ok(!afterwards.has('memory_rss_bytes'), 'gauges go');
    proves(t, family('cpu_usage_seconds_total'));
  },
);

test('a CPU limit is shown and what it holds back is counted', { skip }, async (t) => {
  const place = makePlace(`limited-${process.pid}.service`);
  const directory = place.directory('cpu');
  if (hierarchy.version === 2) writeFileSync(`${directory}/cpu.max`, '25000 100000');
  else writeFileSync(`${directory}/cpu.cfs_quota_us`, '25000');
  const agent = await start(t);
  const startMs = performance.now();
  const { cpuNs } = await place.work('burn', '250');
  const waitedSeconds = (performance.now() - startMs) / 1000 - cpuNs / 1e9;
  const series = await shown(agent, place);
  assert.equal(series.get('cpu_limit_cores'), 0.25);
  const throttled = series.get('cpu_throttled_seconds_total') ?? 0;
  // The rest of what it waited for: its start, and other work of the machine.
  assert.ok(throttled > 0.4 && throttled <= waitedSeconds, `${throttled} of ${waitedSeconds} s`);
  proves(t, family('cpu_limit_cores'), family('cpu_throttled_seconds_total'));
});

test(
  'memory is what was touched, page cache what was written, the limit what was set',
  { skip },
  async (t) => {
    const place = makePlace(`memory-${process.pid}.service`);
    const limit = 256 * megabyte;
    const file = hierarchy.version === 2 ? 'memory.max' : 'memory.limit_in_bytes';
    writeFileSync(join(place.directory('memory'), file), String(limit));
    const folder = mkdtempSync(join(tmpdir(), 'cache-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const agent = await start(t);
    await place.work('touch', '64');
    await place.work('cache', join(folder, 'file'), '32');
    const series = await shown(agent, place);
    near(series.get('memory_rss_bytes'), 64 * megabyte, 4 * megabyte, 'resident');
    near(series.get('memory_cache_bytes'), 32 * megabyte, 4 * megabyte, 'page cache');
    assert.equal(series.get('memory_limit_bytes'), limit);
    proves(t, ...['memory_rss_bytes', 'memory_cache_bytes', 'memory_limit_bytes'].map(family));
  },
);

const resources = ['cpu', 'memory', 'io'];
const hasPressure = textOf('/proc/pressure/cpu') !== undefined && controllers.v2 !== undefined;

test(
  'pressure is what the kernel says, all six series',
  { skip: skip || (!hasPressure && 'needs PSI and cgroup v2 (kernel parameter psi=1)') },
  async (t) => {
    const place = makePlace(`pressure-${process.pid}.service`);
    const agent = await start(t);
    // More work than processors: some wait.
    await Promise.all(Array.from({ length: 6 }, () => place.work('burn', '200')));
    const said = (): Map<string, number> => {
      const totals = new Map<string, number>();
      for (const resource of resources) {
        const text = textOf(join(place.directory('v2'), `${resource}.pressure`)) ?? '';
        for (const kind of ['some', 'full']) {
          const total = new RegExp(`^${kind} .*total=(\\d+)`, 'm').exec(text)?.[1] ?? '0';
          totals.set(`${resource}_pressure_waiting_seconds_total ${kind}`, Number(total) / 1e6);
        }
      }
      return totals;
    };
    const before = said();
    const series = await shown(agent, place);
    const after = said();
    for (const [name, low] of before) {
      const value = series.get(name) ?? NaN;
      assert.ok(
        value >= low && value <= after.get(name)!,
        `${name}: ${low} <= ${value} <= ${after.get(name)}`,
      );
    }
    assert.ok(before.get('cpu_pressure_waiting_seconds_total some')! > 0.1, 'somebody waited');
    proves(t, ...resources.map((resource) => family(`${resource}_pressure_waiting_seconds_total`)));
  },
);

test(
  'without PSI there is none of the six series',
  { skip: skip || (hasPressure && 'this kernel has PSI') },
  async (t) => {
    const place = makePlace(`calm-${process.pid}.service`);
    const agent = await start(t);
    await place.work('burn', '10');
    const series = [...(await shown(agent, place)).keys()];
    assert.deepEqual(
      series.filter((name) => name.includes('pressure')),
      [],
    );
    assert.ok(series.includes('cpu_usage_seconds_total'));
  },
);
