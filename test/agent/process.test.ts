/** The bundle as a process: exit codes, messages, signals, and what is left of it without rights or without the addon. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { bundle, folder, freePort, page, start, startAgent, until } from '../peers/peer.ts';
import { proves } from '../proof.ts';

const pullOnly = { OTEL_METRICS_EXPORTER: 'prometheus' };
const asRoot = process.getuid?.() === 0;

/** Runs the agent to its end. */
function run(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [bundle, ...args], { encoding: 'utf8', timeout: 20_000 });
}

async function listener(t: TestContext, answer: (text: string) => string | undefined): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const text = answer(chunk.toString('latin1'));
      if (text !== undefined) socket.write(text);
    });
    t.after(() => socket.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('--help and --version print to standard output and end with 0', (t) => {
  for (const flag of ['--help', '-h']) {
    const help = run(flag);
    assert.equal(help.status, 0);
    assert.match(help.stdout, /--min-container-age/);
  }
  const { version } = JSON.parse(
    spawnSync('cat', [join(import.meta.dirname, '../../package.json')], { encoding: 'utf8' }).stdout,
  ) as { version: string };
  assert.deepEqual([run('--version').status, run('--version').stdout], [0, `${version}\n`]);
  proves(t, '--help', '-h', '--version');
});

test('the page says which version it is of', async (t) => {
  const port = await freePort();
  startAgent(t, ['--listen', `127.0.0.1:${port}`], pullOnly);
  const text = await until('the page', () => page(`http://127.0.0.1:${port}/metrics`));
  const version = run('--version').stdout.trim();
  assert.match(text, new RegExp(`^node_agent_info\\{.*version="${RegExp.escape(version)}"\\} 1$`, 'm'));
  proves(t, 'node_agent_info');
});

test('a mistake in the options ends with 2 and says which', () => {
  const { status, stderr } = run('--lisen', '127.0.0.1:1', '--scrape-interval', 'often');
  assert.equal(status, 2);
  assert.match(stderr, /--lisen/);
  assert.match(stderr, /--listen/);
  assert.match(stderr, /--scrape-interval.*"often"/);
});

test('an address that is taken ends with 1 and names the option', async (t) => {
  const port = await listener(t, () => undefined);
  const { status, stderr } = run('--listen', `127.0.0.1:${port}`);
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`"level":"fatal".*127\\.0\\.0\\.1:${port}.*EADDRINUSE.*--listen`));
});

test('a CA file that is not there ends with 1 and names it', () => {
  const { status, stderr } = run(
    '--listen',
    '127.0.0.1:0',
    '--collector-endpoint',
    'https://127.0.0.1:1',
    '--ca-file',
    '/nonexistent.pem',
  );
  assert.equal(status, 1);
  assert.match(stderr, /--ca-file.*\/nonexistent\.pem/);
});

for (const [name, answer] of [
  ['hangs', () => undefined],
  ['talks garbage', () => 'garbage\r\n\0\0'.repeat(100)],
] as const) {
  test(`an endpoint that ${name} holds neither the page nor the end`, async (t) => {
    const [endpoint, port] = [await listener(t, answer), await freePort()];
    const agent = startAgent(t, [
      '--listen',
      `127.0.0.1:${port}`,
      '--scrape-interval',
      '200ms',
      '--collector-endpoint',
      `http://127.0.0.1:${endpoint}`,
    ]);
    await until(
      'a failed export',
      async () =>
        /node_agent_exports_total\{.*result="failed".*\} [1-9]/.test(
          (await page(`http://127.0.0.1:${port}/metrics`)) ?? '',
        ) || undefined,
    );
    const began = performance.now();
    assert.equal(await agent.end(), 0);
    assert.ok(performance.now() - began < 5000);
    assert.equal(agent.log().split('OTLP export fails').length, 2, 'one line');
  });
}

test(
  'without root and without options the page is on port 10300',
  { skip: !asRoot && 'needs root to drop it' },
  async (t) => {
    start(t, process.execPath, [bundle], pullOnly, { uid: 65534, gid: 65534 });
    const text = await until('the page', () => page('http://127.0.0.1:10300/metrics'));
    assert.match(text, /^node_uptime_seconds/m);
  },
);

test('it stays without a page, pushing or not', async (t) => {
  for (const exporter of ['otlp', 'none']) {
    const agent = startAgent(t, [], { OTEL_METRICS_EXPORTER: exporter });
    await until('the start', () => agent.log().includes('"feature":"node_net"') || undefined);
    await sleep(500);
    assert.equal(agent.child.exitCode, null, exporter);
    assert.equal(await agent.end(), 0);
  }
});

test(
  'without root node metrics work, and the features say why the rest does not',
  { skip: !asRoot && 'needs root to drop it' },
  async (t) => {
    const port = await freePort();
    const nobody = { uid: 65534, gid: 65534 };
    start(t, process.execPath, [bundle, '--listen', `127.0.0.1:${port}`], pullOnly, nobody);
    const text = await until('the page', () => page(`http://127.0.0.1:${port}/metrics`));
    assert.match(text, /^node_resources_cpu_usage_seconds_total\{.*mode="user".*\} \d/m);
    assert.match(text, /^node_resources_memory_total_bytes\{.*\} \d/m);
    assert.match(text, /^node_agent_feature_enabled\{feature="tcp",.*reason="no_capability".*\} 0$/m);
  },
);

test('without the native side node metrics work', async (t) => {
  const directory = join(await folder(t), 'dist');
  mkdirSync(directory);
  cpSync(bundle, join(directory, 'agent.js'));
  const port = await freePort();
  start(t, process.execPath, [join(directory, 'agent.js'), '--listen', `127.0.0.1:${port}`], pullOnly);
  const text = await until('the page', () => page(`http://127.0.0.1:${port}/metrics`));
  assert.match(text, /^node_resources_cpu_logical_cores\{.*\} [1-9]/m);
  assert.match(text, /^node_net_received_bytes_total\{|^node_agent_feature_enabled\{feature="node_net"/m);
  for (const feature of ['addon', 'tcp', 'cgroup_events'])
    assert.match(text, new RegExp(`^node_agent_feature_enabled\\{feature="${feature}",.*\\} 0$`, 'm'));
});
