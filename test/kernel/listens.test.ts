/** Who listens where: real sockets, in the host's network namespace and in their own, by every source. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test, type TestContext } from 'node:test';
import type { Attributes, Observable } from '@opentelemetry/api';
import { namingMeter } from '../../src/collector.fixture.ts';
import { isShownAddress } from '../../src/host/rtnetlink.ts';
import { textReader } from '../../src/host/texts.ts';
import type { TcpProgram } from '../../src/kernel/tcp-program.ts';
import { listensCollector } from '../../src/listens/collector.ts';
import { listenModel } from '../../src/listens/model.ts';
import { namespaces } from '../../src/listens/namespaces.ts';
import { overflows } from '../../src/listens/overflows.ts';
import type { ListedContainer } from '../../src/model/containers.ts';
import { pidsOf } from '../../src/model/processes.ts';
import { monotonicNs } from '../../src/tcp/collector.ts';
import { connectionSource } from '../../src/tcp/source.ts';
import { proves } from '../proof.ts';
import { listen, ownNetwork, type Listeners } from './listeners.ts';
import { addon, forEachSource, hierarchy, paths, skip, startCounting } from './machine.ts';

const hostNetnsInode = skip === false ? statSync('/proc/self/ns/net').ino : 0;
const ignoredPorts = new Uint8Array(8192);

/** Collects as the agent does, of these listeners alone; the second collection knows the addresses. */
function collecting(
  program: Pick<TcpProgram, 'read' | 'take'>,
  listeners: Listeners,
): { collect(): Promise<Map<string, number>>; gone(): void } {
  const { cgroup } = listeners;
  const cgroups = [{ id: cgroup.id, path: cgroup.path }];
  const container = {
    id: '/it',
    labels: { container_id: '/it' },
    visible: true,
    cgroups,
    topCgroups: cgroups as readonly (typeof cgroups)[number][],
    activity: { runs: 0 },
    wasThere: false,
  };
  const view = { paths, netNamespace: null, netNamespaceInode: hostNetnsInode };
  const of = (containers: readonly ListedContainer[]): Promise<string[][]> =>
    pidsOf(containers, hierarchy.mountPoint, textReader(addon()));
  const known = namespaces({ addon: addon(), view, pidsOf: of, nowMs: () => performance.now() });
  let nowMs = 0;
  const full = overflows({
    proc: paths.proc,
    read: textReader(addon()),
    pidsOf: of,
    nowMs: () => (nowMs += 60_000),
  });
  let looked: Promise<void> | undefined;
  let lookedAgain: Promise<void> | undefined;
  const collector = listensCollector(namingMeter(), {
    read: () => program.read(),
    model: listenModel({
      directory: { byCgroup: (id) => (id === cgroup.id ? container : undefined) },
      take: (key) => program.take('tcp_listens', key),
      nowNs: monotonicNs,
    }),
    containers: { all: () => [container] },
    namespaces: { ...known, refresh: () => (looked = known.refresh()) },
    overflows: { ...full, refresh: (wanted) => (lookedAgain = full.refresh(wanted)) },
    hostNetnsInode,
    ignoredPorts,
  });
  const once = async (): Promise<Map<string, number>> => {
    const samples = new Map<string, number>();
    await collector.collect({
      observe: (instrument: Observable, value: number, labels: Attributes = {}) => {
        const { name } = instrument as unknown as { name: string };
        if (!name.startsWith('container_net_tcp_listen_')) return;
        samples.set(
          `${name.slice('container_net_tcp_listen_'.length)} ${String(labels['listen_addr'])}`,
          value,
        );
      },
    });
    return samples;
  };
  return {
    collect: async () => {
      await once();
      await Promise.all([looked, lookedAgain]);
      return once();
    },
    gone: () => void (container.topCgroups = []),
  };
}

/** `info` alone: `address value`, sorted. */
function info(samples: ReadonlyMap<string, number>): string[] {
  const all = [...samples].flatMap(([name, value]) =>
    name.startsWith('info ') ? [`${name.slice(5)} ${value}`] : [],
  );
  return all.sort();
}

const ofHost = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .map(({ address }) => address)
  .filter(isShownAddress);

async function hostTruth(t: TestContext, program: Pick<TcpProgram, 'read' | 'take'>): Promise<void> {
  const where = ['0.0.0.0,21811,7', '::,21812,8,only', '::,21813,9', '127.0.0.1,21814,5'];
  const listeners = await listen('host', where);
  t.after(() => listeners.end());
  const { collect, gone } = collecting(program, listeners);
  const samples = await collect();
  const v4 = ofHost.filter((ip) => !isIPv6(ip));
  const v6 = ofHost.filter(isIPv6).map((ip) => `[${ip}]`);
  const byProcfs = !samples.has('queue_limit 0.0.0.0:21811');
  const expected = (value: number): string[] =>
    [
      ...v4.map((ip) => `${ip}:21811 ${value}`),
      // Procfs does not tell whether a socket is for IPv6 alone.
      ...[...v6, ...(byProcfs ? v4 : [])].map((ip) => `${ip}:21812 ${value}`),
      ...[...v4, ...v6].map((ip) => `${ip}:21813 ${value}`),
      `127.0.0.1:21814 ${value}`,
    ].sort();
  assert.deepEqual(info(samples), expected(1));

  await listeners.say('close');
  const closed = await collect();
  assert.deepEqual(info(closed), expected(0));
  assert.equal(closed.has('queue 0.0.0.0:21811'), false, 'nobody waits where nobody listens');
  gone();
  assert.deepEqual(info(await collect()), ['127.0.0.1:21814 0'], 'of who is gone wildcards are nothing');
}

/** A counter of TcpExt. */
function extended(pid: number, name: string): number {
  const lines = readFileSync(`/proc/${pid}/net/netstat`, 'utf8').split('\n');
  const [names = '', values = ''] = lines.filter((line) => line.startsWith('TcpExt:'));
  return Number(values.split(' ')[names.split(' ').indexOf(name)]);
}

async function namespaceTruth(t: TestContext, program: Pick<TcpProgram, 'read' | 'take'>): Promise<void> {
  if (spawnSync('ip', ['-V']).error !== undefined) return t.skip('needs ip of iproute2');
  const where = [
    '10.9.8.7,21821,2',
    '::,21822,4',
    '127.0.0.1,21823,5',
    '0.0.0.0,21824,6',
    'fd00:9::7,21825,6',
  ];
  const listeners = await listen('own', where, ownNetwork);
  t.after(() => listeners.end());
  const { collect } = collecting(program, listeners);
  const samples = await collect();
  assert.deepEqual(
    info(samples),
    [
      '10.9.8.7:21821 1',
      '10.9.8.7:21822 1',
      '[fd00:9::7]:21822 1',
      '10.9.8.7:21824 1',
      '[fd00:9::7]:21825 1',
    ].sort(),
  );
  const byProcfs = !samples.has('queue_limit 10.9.8.7:21821');
  assert.equal(samples.get('queue 10.9.8.7:21821'), 0);
  assert.equal(samples.get('queue_limit [::]:21822'), byProcfs ? undefined : 4);

  await listeners.say('fill 8');
  const full = await collect();
  // One more than the limit (sk_acceptq_is_full() of the kernel).
  assert.equal(full.get('queue 10.9.8.7:21821'), 3);
  assert.equal(full.get('queue_limit 10.9.8.7:21821'), byProcfs ? undefined : 2);
  let told = full.get('drops_total 10.9.8.7:21821');
  let truth = extended(listeners.pid, 'ListenDrops');
  // SYNs are sent again meanwhile.
  for (let attempt = 0; attempt < 20 && told !== truth && !byProcfs; attempt++) {
    told = (await collect()).get('drops_total 10.9.8.7:21821');
    truth = extended(listeners.pid, 'ListenDrops');
  }
  const before = extended(listeners.pid, 'ListenOverflows');
  const overflowed = (await collect()).get('overflows_total undefined') ?? NaN;
  assert.ok(overflowed >= Math.max(5, before) && overflowed <= extended(listeners.pid, 'ListenOverflows'));
  assert.ok(truth >= 5, `${truth} drops`);
  assert.equal(told, byProcfs ? undefined : truth);

  await listeners.say('close');
  const closed = await collect();
  assert.ok(info(closed).every((line) => line.endsWith(' 0')));
  assert.equal(info(closed).length, 5);
  if (!byProcfs) assert.ok(closed.get('drops_total 10.9.8.7:21821')! >= truth, 'a counter does not fall');
}

forEachSource((source, skip) => {
  test('listeners of the host, wildcards, closed and gone', { skip }, async (t) => {
    const program = await startCounting({ source });
    t.after(() => program.close());
    await hostTruth(t, program);
    proves(t, 'container_net_tcp_listen_info');
  });

  test('listeners in a network namespace of their own, and a queue that is full', { skip }, async (t) => {
    const program = await startCounting({ source });
    t.after(() => program.close());
    await namespaceTruth(t, program);
  });
});

for (const name of ['by procfs alone', 'by sock_diag'])
  test(name, { skip }, async (t) => {
    const asked = name === 'by sock_diag' ? addon() : undefined;
    const deps = { proc: paths.proc, hierarchy, hostNetnsInode: 0, ignoredPorts, addon: asked };
    const { program } = connectionSource(undefined, deps);
    await hostTruth(t, program);
    await namespaceTruth(t, program);
  });
