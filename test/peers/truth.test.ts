/** What the test did, what the page says, what the Collector got: the same numbers, from the kernel to both ways out. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test, type TestContext } from 'node:test';
import { compileLoad, makeCgroup, skip as noKernel, type Cgroup, type Load } from '../kernel/machine.ts';
import { proves } from '../proof.ts';
import { startCollector } from './collector.ts';
import { freePort, page, peer, seriesOf, startAgent, until, without, type Running } from './peer.ts';

/** Established connects in all; a tenth as many are refused on top. */
const connects = Number(process.env['TRUTH_CONNECTS'] ?? 100_000);
const binary = peer('collector');
/** How often the agent is killed. */
const kills = Number(process.env['TRUTH_KILLS'] ?? 20);
const skip = noKernel || without(binary, 'collector');
const open = '21710';
const closed = '21711';
const held = 21712;

const clients = [
  { cgroup: `/system.slice/e2e-${process.pid}.service`, address: '127.0.0.1', shown: '127.0.0.1' },
  { cgroup: `/system.slice/e2e-${process.pid}.service`, address: '::ffff:127.0.0.1', shown: '127.0.0.1' },
  { cgroup: `/podruntime/e2e-${process.pid}`, address: '::1', shown: '[::1]' },
] as const;

let load: Load;
const cgroups = new Map<string, Cgroup>();

before(async () => {
  if (noKernel !== false) return;
  load = compileLoad();
  for (const { cgroup } of clients) cgroups.set(cgroup, cgroups.get(cgroup) ?? makeCgroup(cgroup));
  await load.start('serve', open);
});

after(() => {
  load?.close();
  for (const cgroup of cgroups.values()) cgroup.remove();
});

interface Tracing {
  readonly agent: Running;
  readonly url: string;
}

async function tracing(
  t: TestContext,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Tracing> {
  const port = await freePort();
  const agent = startAgent(t, ['--listen', `127.0.0.1:${port}`, '--min-container-age', '0s', ...args], env);
  const url = `http://127.0.0.1:${port}/metrics`;
  await until('the page', () => page(url));
  return { agent, url };
}

/** Connect counters of the test's own containers: `successful|failed <container> <destination>` to their value. */
function connectsOf(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [key, value] of seriesOf(text)) {
    const [, outcome] = /^container_net_tcp_(successful|failed)_connects_total\{/.exec(key) ?? [];
    const container = /container_id="([^"]*e2e-[^"]*)"/.exec(key)?.[1];
    const destination = /(?:\{|,)destination="([^"]*)"/.exec(key)?.[1];
    if (outcome !== undefined && container !== undefined)
      found.set(`${outcome} ${container} ${destination}`, value);
  }
  return new Map([...found].sort());
}

const containerOf = (cgroup: string): string => cgroup.replace(/^\/podruntime/, '/talos');

/** Connects from all clients at once; adds what was done to `done`. */
async function connect(each: number, done: Map<string, number>): Promise<void> {
  await Promise.all(
    clients.map(async ({ cgroup, address, shown }) => {
      for (const [port, outcome, count] of [
        [open, 'successful', each],
        [closed, 'failed', Math.ceil(each / 10)],
      ] as const) {
        const result = await load.run(
          '-c',
          cgroups.get(cgroup)!.directory,
          'connect',
          address,
          port,
          String(count),
        );
        assert.equal(outcome === 'successful' ? result.established : result.refused, count);
        const key = `${outcome} ${containerOf(cgroup)} ${shown}:${port}`;
        done.set(key, (done.get(key) ?? 0) + count);
      }
    }),
  );
}

const sorted = (map: ReadonlyMap<string, number>): Map<string, number> => new Map([...map].sort());

test('connects are on the page and in the Collector, exactly', { skip }, async (t) => {
  const collector = await startCollector(t, binary!);
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlp };
  const { url } = await tracing(t, ['--scrape-interval', '1s'], endpoint);
  const done = new Map<string, number>();
  await connect(Math.ceil(connects / clients.length), done);
  await until('a new snapshot', async () => {
    const found = connectsOf((await page(url)) ?? '');
    return [...done].every(([key, count]) => (found.get(key) ?? 0) >= count) || undefined;
  });
  assert.deepEqual(connectsOf((await page(url)) ?? ''), sorted(done));
  const received = await until('the push', async () => {
    const found = connectsOf((await page(collector.url)) ?? '');
    return [...done].every(([key, count]) => (found.get(key) ?? 0) >= count) ? found : undefined;
  });
  assert.deepEqual(received, sorted(done));
  proves(t, 'container_net_tcp_successful_connects_total', 'container_net_tcp_failed_connects_total');
});

test(
  'connections that are held are on the page and in the Collector, and leave the page when they end',
  { skip },
  async (t) => {
    const collector = await startCollector(t, binary!);
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlp };
    const { url } = await tracing(t, ['--scrape-interval', '500ms'], endpoint);
    const [{ cgroup }] = clients;
    const activeOn = async (address: string): Promise<number | undefined> => {
      const text = (await page(address)) ?? '';
      const series = [...seriesOf(text)].filter(
        ([key]) =>
          key.startsWith('container_net_tcp_active_connections{') &&
          key.includes(`container_id="${cgroup}"`) &&
          key.includes(`,destination="127.0.0.1:${held}"`),
      );
      assert.ok(series.length <= 1);
      return series[0]?.[1];
    };
    // The peer must not close: it takes the connections into its backlog, and no more.
    const listener = createServer({ pauseOnConnect: true }).listen(held, '127.0.0.1');
    t.after(() => listener.close());
    await once(listener, 'listening');
    const holder = await load.start(
      '-c',
      cgroups.get(cgroup)!.directory,
      'hold',
      '127.0.0.1',
      String(held),
      '25',
    );
    for (const address of [url, collector.url])
      await until('25 connections', async () => (await activeOn(address)) === 25 || undefined);
    holder.stdin?.end();
    // The family has no zeros. The Collector's page keeps a series that ended for some minutes.
    await until('the end', async () => (await activeOn(url)) === undefined || undefined);
    proves(t, 'container_net_tcp_active_connections');
  },
);

test(
  '200 processes that connect once and go with their cgroup are on the page',
  { skip: noKernel },
  async (t) => {
    const { url } = await tracing(t, [], { OTEL_METRICS_EXPORTER: 'prometheus' });
    const expected = new Map<string, number>();
    const one = async (index: number): Promise<void> => {
      const cgroup = makeCgroup(`/system.slice/e2e-${process.pid}-${index}.service`);
      await load.run('-c', cgroup.directory, 'connect', '127.0.0.1', open, '1');
      cgroup.remove();
      expected.set(`successful ${cgroup.path} 127.0.0.1:${open}`, 1);
    };
    for (let index = 0; index < 200; index += 8) {
      await Promise.all(Array.from({ length: 8 }, (_, offset) => one(index + offset)));
    }
    const found = await until('all of them', async () => {
      const counts = connectsOf((await page(url)) ?? '');
      return counts.size >= expected.size ? counts : undefined;
    });
    assert.deepEqual(found, sorted(expected));
  },
);

test(
  'killed and restarted again and again under load, the agent counts what comes after, once',
  { skip: noKernel },
  async (t) => {
    let busy = true;
    const directory = cgroups.get(clients[0].cgroup)!.directory;
    const noise = (async () => {
      while (busy) await load.run('-c', directory, 'connect', '127.0.0.1', open, '500');
    })();
    for (let round = 0; round < kills; round++) {
      const { agent } = await tracing(t, [], { OTEL_METRICS_EXPORTER: 'prometheus' });
      await agent.end('SIGKILL');
    }
    busy = false;
    await noise;
    const { url } = await tracing(t, [], { OTEL_METRICS_EXPORTER: 'prometheus' });
    const done = new Map<string, number>();
    await connect(1000, done);
    const found = await until('the counts', async () => {
      const counts = connectsOf((await page(url)) ?? '');
      return [...done].every(([key, count]) => (counts.get(key) ?? 0) >= count) ? counts : undefined;
    });
    assert.deepEqual(found, sorted(done));
  },
);
