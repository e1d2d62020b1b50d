/** What containers cost while they do nothing: memory, CPU of a collection, how long the event loop stands still. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadOptions } from '../../config/load.ts';
import { startAgent } from '../../src/agent.ts';
import { createLog } from '../../src/log.ts';
import { makeContainers, removeContainers } from './idle.ts';
import { scrape } from './process.ts';
import { report } from './table.ts';

const rounds = 20;

async function measure(port: number) {
  const times: number[] = [];
  let bytes = 0;
  await scrape(port);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.cpuUsage();
  for (let i = 0; i < rounds; i++) {
    await sleep(1050); // a snapshot is reused for a second
    const startMs = performance.now();
    bytes = await scrape(port);
    times.push(performance.now() - startMs);
  }
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  globalThis.gc?.();
  return {
    slowestMs: Math.max(...times),
    cpuMs: (user + system) / 1000 / rounds,
    systemMs: system / 1000 / rounds,
    blockMs: delay.max / 1e6,
    rssKb: process.memoryUsage().rss / 1000,
    bytes,
  };
}

const loaded = loadOptions(
  ['--listen', '127.0.0.1:19466', '--min-container-age', '0s', '--log-per-second', '0'],
  { OTEL_METRICS_EXPORTER: 'prometheus' },
);
if (loaded.kind !== 'run') throw new Error(JSON.stringify(loaded));
const agent = await startAgent(loaded.options, createLog({ level: 'error', perSecond: 1, burst: 1 }));
try {
  const none = await measure(19466);
  const measured = new Map<number, Awaited<ReturnType<typeof measure>>>();
  for (const count of [200, 1000]) {
    makeContainers(count, 'empty');
    measured.set(count, await measure(19466));
  }
  for (const [count, { slowestMs, cpuMs, systemMs, blockMs, rssKb, bytes }] of measured)
    report(`${count} containers that do nothing, ${rounds} scrapes, less the machine without them`, [
      {
        name: 'CPU of a scrape',
        value: cpuMs - none.cpuMs,
        unit: 'ms',
        ...(count === 1000 && { budget: 60 }),
      },
      { name: 'of it in the kernel', value: systemMs - none.systemMs, unit: 'ms' },
      { name: 'slowest scrape', value: slowestMs, unit: 'ms', ...(count === 200 && { budget: 45 }) },
      { name: 'longest block of the event loop', value: blockMs, unit: 'ms', budget: 30 },
      { name: 'RSS of each', value: (rssKb - none.rssKb) / count, unit: 'kB', budget: 25 },
      { name: 'page', value: bytes / 1e6, unit: 'MB' },
    ]);
} finally {
  await agent.close();
  await removeContainers();
}
