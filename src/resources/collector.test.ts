import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Meter, Observable } from '@opentelemetry/api';
import type { ListedContainer } from '../model/containers.ts';
import { resourcesCollector } from './collector.ts';

/** Instruments that are nothing but their names. */
function namingMeter(): Meter {
  const named = (name: string): Observable => ({ name }) as unknown as Observable;
  return { createObservableCounter: named, createObservableGauge: named } as unknown as Meter;
}

/** A cgroup tree as texts by path, and a collector that reads it: `collect` answers `<name>[ kind] <value>` by container. */
function machine(
  containers: readonly ListedContainer[],
  files: Map<string, string>,
  time = { ms: 0 },
  asked: string[] = [],
) {
  const collector = resourcesCollector(namingMeter(), {
    containers: { all: () => containers },
    controllers: { v1: {}, v2: '/v2' },
    read: (paths) => {
      asked.push(...paths);
      return Promise.resolve(paths.map((path) => files.get(path)));
    },
    nowMs: () => time.ms,
  });
  return async (): Promise<Map<string, string[]>> => {
    const samples = new Map<string, string[]>();
    await collector.collect({
      observe: (metric, value, labels = {}) => {
        const name = (metric as unknown as { name: string }).name.replace('container_resources_', '');
        const kind = typeof labels['kind'] === 'string' ? ` ${labels['kind']}` : '';
        const id = String(labels['container_id']);
        samples.set(id, [...(samples.get(id) ?? []), `${name}${kind} ${value}`]);
      },
    });
    return samples;
  };
}

function container(id: string, cgroup: string | undefined, visible = true) {
  return {
    id,
    labels: { container_id: id, app_id: '' },
    visible,
    cgroup,
    cgroups: [],
    firstSeenMs: 0,
    activity: { runs: 0 },
  };
}

const nginx = (usage: number): [string, string][] => [
  ['/v2/system.slice/nginx.service/cpu.stat', `usage_usec ${usage}\n`],
  ['/v2/system.slice/nginx.service/memory.stat', 'anon 1\nfile 2\n'],
];

test('counters stay as they were read last once the cgroup is gone, gauges go', async () => {
  const one: { cgroup: string | undefined } & ListedContainer = container(
    '/a',
    '/system.slice/nginx.service',
  );
  const files = new Map(nginx(2_000_000));
  const collect = machine([one], files);
  const counters = ['cpu_usage_seconds_total 2', 'cpu_throttled_seconds_total 0'];
  assert.deepEqual((await collect()).get('/a'), [...counters, 'memory_rss_bytes 1', 'memory_cache_bytes 2']);
  // Gone before we heard of it.
  files.clear();
  assert.deepEqual((await collect()).get('/a'), counters);
  one.cgroup = undefined;
  assert.deepEqual((await collect()).get('/a'), counters);
});

test('what is too young is read and not shown: when it shows up later, it has its counters', async () => {
  const young: { visible: boolean; cgroup: string | undefined } & ListedContainer = container(
    '/young',
    '/system.slice/nginx.service',
    false,
  );
  const collect = machine([young], new Map(nginx(3_000_000)));
  assert.equal((await collect()).size, 0);
  Object.assign(young, { cgroup: undefined, visible: true });
  assert.deepEqual((await collect()).get('/young'), [
    'cpu_usage_seconds_total 3',
    'cpu_throttled_seconds_total 0',
  ]);
});

test('a container without files costs the others nothing; more than one reading has room for', async () => {
  const many = Array.from({ length: 600 }, (_, i) => container(`/c${i}`, `/c${i}`));
  const files = new Map(many.map(({ cgroup }, i) => [`/v2${cgroup}/cpu.stat`, `usage_usec ${i}000000\n`]));
  files.delete('/v2/c300/cpu.stat');
  const shown = await machine(many, files)();
  assert.equal(shown.size, 599);
  assert.deepEqual(shown.get('/c0')?.[0], 'cpu_usage_seconds_total 0');
  assert.deepEqual(shown.get('/c599')?.[0], 'cpu_usage_seconds_total 599');
});

test('pressure has two series for each resource', async () => {
  const psi = 'some avg10=0 total=2000000\nfull avg10=0 total=1000000\n';
  const files = new Map(['cpu', 'memory', 'io'].map((name) => [`/v2/p/${name}.pressure`, psi]));
  files.set('/v2/p/memory.stat', '');
  const shown = await machine([container('/p', '/p')], files)();
  assert.deepEqual(
    shown.get('/p')?.filter((line) => !line.startsWith('memory_rss') && !line.startsWith('memory_cache')),
    ['cpu', 'memory', 'io'].flatMap((name) => [
      `${name}_pressure_waiting_seconds_total some 2`,
      `${name}_pressure_waiting_seconds_total full 1`,
    ]),
  );
});

test('pressure is read of whoever used CPU since, and until nobody waits any more; limits once a minute', async () => {
  const time = { ms: 0 };
  const asked: string[] = [];
  const files = new Map<string, string>();
  const say = (usage: number, waited: number): void => {
    files.set('/v2/p/cpu.stat', `usage_usec ${usage}\n`).set('/v2/p/memory.stat', 'anon 1\n');
    for (const name of ['cpu', 'memory', 'io'])
      files.set(`/v2/p/${name}.pressure`, `some avg10=0 total=${waited}\nfull avg10=0 total=0\n`);
  };
  const collect = machine([container('/p', '/p')], files, time, asked);
  const read = async (usage: number, waited: number): Promise<string[]> => {
    say(usage, waited);
    asked.length = 0;
    time.ms += 15_000;
    await collect();
    return asked.map((path) => path.split('/').at(-1)!);
  };
  const always = ['cpu.stat', 'memory.stat'];
  const limits = ['cpu.max', 'memory.max'];
  const pressure = ['cpu.pressure', 'memory.pressure', 'io.pressure'];
  assert.deepEqual(await read(1, 0), ['cpu.stat', ...limits, 'memory.stat', ...pressure]);
  // Once more: what was read for the first time may be growing.
  assert.deepEqual(await read(1, 0), [...always, ...pressure]);
  assert.deepEqual(await read(1, 0), always);
  // It ran, and then began to wait for something that does not come: it uses no CPU and waits on.
  assert.deepEqual(await read(2, 0), ['cpu.stat', ...limits, 'memory.stat', ...pressure]);
  assert.deepEqual(await read(3, 100), [...always, ...pressure]);
  assert.deepEqual(await read(3, 200), [...always, ...pressure]);
  assert.deepEqual(await read(3, 200), [...always, ...pressure]);
  assert.deepEqual(await read(3, 200), ['cpu.stat', ...limits, 'memory.stat']);
});
