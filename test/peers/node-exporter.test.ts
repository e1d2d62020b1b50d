/** The agent and node_exporter on the same machine, under load: the same CPU seconds, disks, interfaces and memory. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { cpus } from 'node:os';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { proves } from '../proof.ts';
import { agentFigures, exporterFigures, type Figures } from './node-figures.ts';
import { folder, freePort, page, peer, start, startAgent, until, without } from './peer.ts';

const seconds = Number(process.env['PEER_SECONDS'] ?? 6);
const binaries = peer('node-exporter');
const skip = without(binaries, 'node-exporter') || (process.getuid?.() !== 0 && 'needs root');

/** What the agent shows, between what node_exporter shows just before and just after. */
interface Look {
  readonly before: Figures;
  readonly shown: Figures;
  readonly after: Figures;
  readonly tookMs: number;
}

/** Both, on free ports; answers how to look at them. */
async function startBoth(t: TestContext): Promise<() => Promise<Look>> {
  const [ours, theirs] = [await freePort(), await freePort()];
  startAgent(t, ['--listen', `127.0.0.1:${ours}`], { OTEL_METRICS_EXPORTER: 'prometheus' });
  start(t, join(binaries!, 'prometheus-node-exporter'), [
    `--web.listen-address=127.0.0.1:${theirs}`,
    '--collector.disable-defaults',
    ...['cpu', 'diskstats', 'meminfo', 'netclass', 'netdev', 'stat', 'time', 'uname'].map(
      (collector) => `--collector.${collector}`,
    ),
    '--collector.netdev.address-info',
  ]);
  const pageOf = (port: number): Promise<string> =>
    until('a page', () => page(`http://127.0.0.1:${port}/metrics`));
  await Promise.all([pageOf(ours), pageOf(theirs)]);
  return async () => {
    await sleep(1100); // the agent hands out a snapshot for a second
    const startMs = performance.now();
    const pages = [await pageOf(theirs), await pageOf(ours), await pageOf(theirs)] as const;
    const tookMs = performance.now() - startMs;
    return {
      before: exporterFigures(pages[0]),
      shown: agentFigures(pages[1]),
      after: exporterFigures(pages[2]),
      tookMs,
    };
  };
}

/** The quickest of a few looks: what happens between the readings of a look is not known. */
async function quickLook(look: () => Promise<Look>): Promise<Look> {
  let best = await look();
  for (let more = 0; more < 4 && best.tookMs > 40; more++) {
    const next = await look();
    if (next.tookMs < best.tookMs) best = next;
  }
  return best;
}

/** The least that can be told apart: a tick of 10 ms of each CPU, as node_exporter adds them up; ms of disks; else one. */
const resolution = (series: string): number =>
  series.includes(' cpu ') ? 0.01 * cpus().length : /_seconds_/.test(series) ? 0.001 : 1;

function assertBetween({ before, shown, after }: Look): void {
  assert.deepEqual([...shown.counters.keys()].sort(), [...before.counters.keys()].sort());
  for (const [series, value] of shown.counters) {
    const [low, high] = [before.counters.get(series)!, after.counters.get(series)!];
    const slack = /_seconds_/.test(series) ? 2 * resolution(series) : 0;
    assert.ok(low - slack <= value && value <= high + slack, `${series}: ${low} <= ${value} <= ${high}`);
  }
  assert.deepEqual(shown.constants, before.constants);
}

/** A processor that is busy, a disk that is written, an interface that sends, until the answered function is called. */
async function load(t: TestContext): Promise<() => Promise<void>> {
  const burner = new Worker('for (;;);', { eval: true });
  const file = await open(join(await folder(t), 'load'), 'w');
  const interfaceName = `eth${900 + (process.pid % 90)}`;
  const ip = (...args: string[]): unknown => spawnSync('ip', args, { stdio: 'ignore' });
  const socket = createSocket('udp4');
  t.after(async () => {
    socket.close();
    await burner.terminate();
    await file.close();
    ip('link', 'delete', interfaceName);
  });
  ip('link', 'add', interfaceName, 'type', 'veth', 'peer', 'name', `peer${interfaceName}`);
  ip('address', 'add', '198.51.100.1/24', 'dev', interfaceName);
  ip('link', 'set', interfaceName, 'up');
  ip('link', 'set', `peer${interfaceName}`, 'up');
  ip('neighbour', 'add', '198.51.100.2', 'lladdr', '02:00:00:00:00:02', 'dev', interfaceName);
  let running = true;
  const megabyte = Buffer.alloc(1 << 20, 'x');
  const loads = (async () => {
    while (running) {
      await file.write(megabyte, 0, megabyte.length, 0);
      await file.datasync();
      for (let datagram = 0; datagram < 100; datagram++) socket.send('x'.repeat(1000), 9, '198.51.100.2');
      await sleep(50);
    }
  })();
  return async () => {
    running = false;
    await loads;
  };
}

/** What node_exporter says around one moment. */
interface Reading {
  readonly middle: number;
  readonly width: number;
}

test(`what happens in ${seconds} s is the same by both`, { skip, timeout: 120_000 }, async (t) => {
  const end = await load(t);
  const look = await startBoth(t);
  const first = await quickLook(look);
  await sleep(seconds * 1000);
  const last = await quickLook(look);
  await end();
  assertBetween(first);
  assertBetween(last);

  const compared = new Set<string>();
  for (const series of last.shown.counters.keys()) {
    const grown = last.shown.counters.get(series)! - first.shown.counters.get(series)!;
    const [low, high] = [first, last].map(({ before, after }) => {
      const [earlier, later] = [before.counters.get(series)!, after.counters.get(series)!];
      return { middle: (earlier + later) / 2, width: later - earlier };
    }) as [Reading, Reading];
    const theirs = high.middle - low.middle;
    // What grew less than a hundred times what can be told apart says nothing about a share of it.
    if (theirs < 100 * resolution(series)) continue;
    const difference = Math.abs(grown - theirs);
    t.diagnostic(
      `${series}: ${grown.toFixed(2)}, node_exporter ${theirs.toFixed(2)}: ${((difference / theirs) * 100).toFixed(3)} %`,
    );
    const undecided = (low.width + high.width) / 2;
    assert.ok(difference <= theirs * 0.01 + undecided, `${series}: ${grown} and ${theirs}`);
    compared.add(series.split(' ')[0]!);
  }
  assert.ok(compared.has('node_resources_cpu_usage_seconds_total'));
  for (const [series, value] of last.shown.memory) {
    const [total, theirs] = [
      last.before.memory.get('node_resources_memory_total_bytes')!,
      last.before.memory.get(series)!,
    ];
    assert.ok(Math.abs(value - theirs) <= total * 0.01, `${series}: ${value} and ${theirs}`);
  }
  proves(
    t,
    ...compared,
    ...last.shown.memory.keys(),
    ...last.shown.constants.map((line) => line.split(' ')[0]!),
  );
});
