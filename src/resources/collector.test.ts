import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namingMeter } from '../collector.fixture.ts';
import type { Cgroup, ListedContainer } from '../model/containers.ts';
import { resourcesCollector } from './collector.ts';
import type { Use } from './tasks.ts';

const noDelays = { runDelayNs: 0, diskDelayNs: 0 };

/** A cgroup tree as texts by path, and a collector that reads it: `collect` answers `<name>[ kind] <value>` by container. */
function machine(
  containers: readonly ListedContainer[],
  files: Map<string, string>,
  time = { ms: 0 },
  asked: string[] = [],
  uses: Use[] = [],
) {
  const collector = resourcesCollector(namingMeter(), {
    containers: {
      all: () => containers,
      topOf: (cgroupId) => cgroupId,
      exists: (cgroupId) => containers.some(({ topCgroups }) => topCgroups.some(({ id }) => id === cgroupId)),
    },
    controllers: { v1: {}, v2: '/v2' },
    read: (paths) => {
      asked.push(...paths);
      return Promise.resolve(paths.map((path) => files.get(path)));
    },
    tasks: {
      update: () => Promise.resolve(),
      delaysOf: ({ id }) => (id === '/waits' ? { runDelayNs: 2e9, diskDelayNs: 3e9 } : noDelays),
      takeUsed: () => uses.splice(0),
    },
    onLook: () => {},
    nowMs: () => time.ms,
  });
  return async (): Promise<Map<string, string[]>> => {
    const samples = new Map<string, string[]>();
    await collector.collect({
      observe: (metric, value, labels = {}) => {
        const name = (metric as unknown as { name: string }).name.replace('container_resources_', '');
        if (name.endsWith('delay_seconds_total') && value === 0) return;
        const kind = typeof labels['kind'] === 'string' ? ` ${labels['kind']}` : '';
        const id = String(labels['container_id']);
        samples.set(id, [...(samples.get(id) ?? []), `${name}${kind} ${value}`]);
      },
    });
    return samples;
  };
}

interface Fake extends ListedContainer {
  topCgroups: Cgroup[];
  visible: boolean;
}

function container(id: string, ...paths: string[]): Fake {
  const cgroups = paths.map((path, i) => ({ id: i + 1, path }));
  const labels = { container_id: id, app_id: '' };
  return { id, labels, visible: true, cgroups, topCgroups: cgroups, wasThere: false, activity: { runs: 0 } };
}

const nginx = (usage: number): [string, string][] => [
  ['/v2/system.slice/nginx.service/cpu.stat', `usage_usec ${usage}\n`],
  ['/v2/system.slice/nginx.service/memory.stat', 'anon 1\nfile 2\n'],
];

test('counters stay as they were read last once the cgroup is gone, gauges go', async () => {
  const one = container('/a', '/system.slice/nginx.service');
  const files = new Map(nginx(2_000_000));
  const collect = machine([one], files);
  const counters = ['cpu_usage_seconds_total 2', 'cpu_throttled_seconds_total 0'];
  assert.deepEqual((await collect()).get('/a'), [...counters, 'memory_rss_bytes 1', 'memory_cache_bytes 2']);
  // Gone before we heard of it.
  files.clear();
  assert.deepEqual((await collect()).get('/a'), counters);
  one.topCgroups = [];
  assert.deepEqual((await collect()).get('/a'), counters);
});

test('what tasks used after the last reading counts once the cgroup is gone; what a reading had does not count again', async () => {
  const one = container('/a', '/system.slice/nginx.service');
  const files = new Map(nginx(2_000_000));
  const uses: Use[] = [];
  const collect = machine([one], files, undefined, undefined, uses);
  const usage = async (topId: number, seconds: number): Promise<string | undefined> => {
    uses.push({ container: one, topId, execNs: seconds * 1e9 });
    return (await collect()).get('/a')?.find((line) => line.startsWith('cpu_usage'));
  };
  // A task that has ended is told of later than its cgroup shows it.
  assert.equal(await usage(1, 1.5), 'cpu_usage_seconds_total 2');
  files.clear();
  one.topCgroups = [];
  assert.equal(await usage(1, 0.5), 'cpu_usage_seconds_total 2');
  assert.equal(await usage(1, 0.25), 'cpu_usage_seconds_total 2.25');
  // And one that came and went between two readings.
  assert.equal(await usage(7, 3), 'cpu_usage_seconds_total 5.25');
});

test('what a cgroup used before the agent counts once', async () => {
  const old = { ...container('/a', '/system.slice/nginx.service'), wasThere: true };
  const files = new Map(nginx(100_000_000));
  const uses: Use[] = [{ container: old, topId: 1, execNs: 60e9 }];
  const collect = machine([old], files, undefined, undefined, uses);
  await collect();
  files.clear();
  old.topCgroups = [];
  uses.push({ container: old, topId: 1, execNs: 5e9 });
  assert.equal((await collect()).get('/a')?.[0], 'cpu_usage_seconds_total 105');
});

test('delays are shown with and without files', async () => {
  const shown = (await machine([container('/waits', '/w')], new Map())()).get('/waits');
  assert.deepEqual(shown, ['cpu_delay_seconds_total 2', 'disk_delay_seconds_total 3']);
});

test('what is too young is read and not shown: when it shows up later, it has its counters', async () => {
  const young = container('/young', '/system.slice/nginx.service');
  young.visible = false;
  const collect = machine([young], new Map(nginx(3_000_000)));
  assert.equal((await collect()).size, 0);
  Object.assign(young, { topCgroups: [], visible: true });
  assert.deepEqual((await collect()).get('/young'), [
    'cpu_usage_seconds_total 3',
    'cpu_throttled_seconds_total 0',
  ]);
});

test('several cgroups under one id are summed; a counter does not fall when one of them goes', async () => {
  const job = container('/job', '/one', '/two');
  const files = new Map<string, string>();
  for (const [path, usage, memory] of [
    ['one', 4, 10],
    ['two', 1, 20],
  ] as const)
    files
      .set(`/v2/${path}/cpu.stat`, `usage_usec ${usage}000000\n`)
      .set(`/v2/${path}/memory.stat`, `anon ${memory}\n`)
      .set(`/v2/${path}/cpu.pressure`, 'some total=1000000\n')
      .set(`/v2/${path}/memory.pressure`, 'some total=0\n')
      .set(`/v2/${path}/io.pressure`, 'some total=0\n');
  const collect = machine([job], files);
  const shown = async (): Promise<string[]> =>
    ((await collect()).get('/job') ?? []).filter((line) => /usage|rss|^cpu_pressure.*some/.test(line));
  const pressure = (seconds: number): string => `cpu_pressure_waiting_seconds_total some ${seconds}`;
  assert.deepEqual(await shown(), ['cpu_usage_seconds_total 5', 'memory_rss_bytes 30', pressure(2)]);
  job.topCgroups = job.topCgroups.slice(1);
  assert.deepEqual(await shown(), ['cpu_usage_seconds_total 5', 'memory_rss_bytes 20', pressure(2)]);
  // The next one has the path of the first, and counts from 0.
  job.topCgroups = [...job.topCgroups, { id: 3, path: '/one' }];
  files.set('/v2/one/cpu.stat', 'usage_usec 500000\n');
  assert.deepEqual(await shown(), ['cpu_usage_seconds_total 5.5', 'memory_rss_bytes 30', pressure(3)]);
});

test('a container without files costs the others nothing; more than one reading has room for', async () => {
  const many = Array.from({ length: 600 }, (_, i) => container(`/c${i}`, `/c${i}`));
  const files = new Map(many.map(({ id }, i) => [`/v2${id}/cpu.stat`, `usage_usec ${i}000000\n`]));
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

test('pressure that could not be read stays as it was, and is asked for again', async () => {
  const asked: string[] = [];
  const files = new Map([
    ['/v2/p/cpu.stat', 'usage_usec 1\n'],
    ...['cpu', 'memory', 'io'].map((name): [string, string] => [
      `/v2/p/${name}.pressure`,
      'some total=1000000\n',
    ]),
  ]);
  const collect = machine([container('/p', '/p')], files, { ms: 0 }, asked);
  const shown = async (): Promise<string[]> =>
    ((await collect()).get('/p') ?? []).filter((line) => line.startsWith('io_pressure'));
  const before = await shown();
  assert.equal(before.length, 2);
  for (const name of ['cpu', 'memory', 'io']) files.delete(`/v2/p/${name}.pressure`);
  assert.deepEqual(await shown(), before);
  asked.length = 0;
  assert.deepEqual(await shown(), before);
  assert.ok(asked.includes('/v2/p/io.pressure'));
});
