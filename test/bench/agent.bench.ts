/** What the running agent costs on this kernel: start, memory and CPU when idle, kernel memory. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { report } from './table.ts';

const idleSeconds = Number(process.env['BENCH_IDLE_SECONDS'] ?? 60);
const bundle = join(import.meta.dirname, '../../dist/agent.js');

/** A gRPC server that accepts every export: HTTP/2 with an empty message and status 0. */
async function sink(): Promise<{ url: string; exports: () => number; close: () => void }> {
  let exports = 0;
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.resume();
    stream.on('end', () => {
      exports++;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(5));
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, exports: () => exports, close: () => server.close() };
}

async function page(url: string): Promise<string | undefined> {
  return fetch(url).then(
    (response) => (response.ok ? response.text() : undefined),
    () => undefined,
  );
}

async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function rssMegabytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1024;
}

const collector = await sink();
const url = 'http://127.0.0.1:19464/metrics';
const startedMs = performance.now();
const agent = spawn(process.execPath, ['--max-semi-space-size=1', bundle, '--listen', '127.0.0.1:19464'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
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
  { name: 'RSS', value: rss, unit: 'MiB', budget: 90 },
  { name: 'CPU', value: idlePercent * 100, unit: '% of a core', budget: 0.5 },
  { name: 'kernel maps', value: mapBytes / 2 ** 20, unit: 'MiB', budget: 16 },
  {
    name: 'series on the page',
    value: text.split('\n').filter((line) => line && !line.startsWith('#')).length,
    unit: '',
  },
  { name: 'exports received', value: collector.exports(), unit: '' },
  { name: 'SIGTERM to exit', value: (performance.now() - stopMs) / 1000, unit: 's', budget: 5 },
  { name: 'exit code', value: Number(exitCode), unit: '', budget: 0 },
]);
collector.close();
