/** What the running agent costs on this kernel: start, memory and CPU when idle, kernel memory. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { receiveOtlp } from '../../src/telemetry/otlp.fixture.ts';
import { cpuSeconds, rssMegabytes } from './process.ts';
import { report } from './table.ts';

const idleSeconds = Number(process.env['BENCH_IDLE_SECONDS'] ?? 60);
const bundle = join(import.meta.dirname, '../../dist/agent.js');

async function page(url: string): Promise<string | undefined> {
  return fetch(url).then(
    (response) => (response.ok ? response.text() : undefined),
    () => undefined,
  );
}

const collector = await receiveOtlp();
const url = 'http://127.0.0.1:19464/metrics';
const startedMs = performance.now();
const agent = spawn(process.execPath, ['--max-semi-space-size=1', bundle, '--listen', '127.0.0.1:19464'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    ...process.env,
    MALLOC_ARENA_MAX: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
  },
});
const pid = agent.pid ?? 0;
while ((await page(url)) === undefined) {
  if (agent.exitCode !== null) throw new Error(`the agent ended with exit code ${agent.exitCode}`);
  await sleep(20);
}
const firstPageSeconds = (performance.now() - startedMs) / 1000;

await sleep(10_000);
const before = await cpuSeconds(pid);
await sleep(idleSeconds * 1000);
const idlePercent = ((await cpuSeconds(pid)) - before) / idleSeconds;
const rss = await rssMegabytes(pid);
const text = (await page(url)) ?? '';
const mapBytes = [...text.matchAll(/^node_agent_bpf_map_memory_bytes\{.*\} (\S+)$/gm)]
  .map((match) => Number(match[1]))
  .reduce((sum, bytes) => sum + bytes, 0);

const stopMs = performance.now();
agent.kill('SIGTERM');
const exitCode = await new Promise((ended) => agent.once('exit', ended));
report(`agent, idle for ${idleSeconds} s`, [
  { name: 'first page after start', value: firstPageSeconds, unit: 's', budget: 3 },
  { name: 'RSS', value: rss, unit: 'MB', budget: 90 },
  { name: 'CPU', value: idlePercent * 100, unit: '% of a core', budget: 0.5 },
  { name: 'kernel maps', value: mapBytes / 2 ** 20, unit: 'MiB', budget: 16 },
  {
    name: 'series on the page',
    value: text.split('\n').filter((line) => line && !line.startsWith('#')).length,
    unit: '',
  },
  { name: 'exports received', value: collector.requests.length, unit: '' },
  { name: 'SIGTERM to exit', value: (performance.now() - stopMs) / 1000, unit: 's', budget: 5 },
  { name: 'exit code', value: Number(exitCode), unit: '', budget: 0 },
]);
collector.close();
