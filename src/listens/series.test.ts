import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListedContainer } from '../model/containers.ts';
import type { Listen } from './model.ts';
import { bytesOf } from './reading.fixture.ts';
import { listenSeries, type SeriesDeps } from './series.ts';

const container: ListedContainer = {
  id: '/web',
  labels: {},
  visible: true,
  cgroups: [],
  topCgroups: [{ id: 1, path: '/web' }],
  activity: { runs: 0 },
  wasThere: false,
};
const deps: SeriesDeps = {
  namespaces: { of: (inode) => [`10.0.0.${inode}`], ofHost: () => ['192.0.2.1', '2001:db8::1'] },
  hostNetnsInode: 1,
  ignoredPorts: new Uint8Array(8192),
};

function listen(address: string, port: number, more: Partial<Listen['latest']> = {}, drops?: number): Listen {
  const latest = {
    key: Buffer.alloc(32),
    cgroupId: 1,
    netnsInode: 2,
    address: bytesOf(address),
    port,
    ipv6Only: false,
    sockets: 1,
    queue: 0,
    limit: undefined,
    drops,
    lastNs: 0,
    ...more,
  };
  return { container, latest, bound: `${address}:${port}`, drops };
}

test('the same address in several namespaces is one queue, and open where one is open', () => {
  const listens = [
    listen('0.0.0.0', 80, { queue: 2, limit: 10 }, 1),
    listen('0.0.0.0', 80, { netnsInode: 3, queue: 3, limit: 20 }, 4),
    listen('10.0.0.2', 80, { sockets: 0 }),
  ];
  const { info, queues, hidden } = listenSeries(container, container, listens, deps);
  assert.deepEqual(
    [...info],
    [
      ['10.0.0.2:80', 1],
      ['10.0.0.3:80', 1],
    ],
  );
  assert.deepEqual(queues.get('0.0.0.0:80'), { waiting: 5, limit: 30, drops: 5 });
  assert.deepEqual(queues.get('10.0.0.2:80'), { waiting: undefined, limit: undefined, drops: undefined });
  assert.equal(hidden, 0);
});

test('of a container that is gone, wildcards and what was published are nothing', () => {
  const listens = [listen('0.0.0.0', 80, { sockets: 0 }), listen('10.9.9.9', 80, { sockets: 0 })];
  const gone = { ...container, published: [{ address: '0.0.0.0', port: 8080 }] };
  const { info, published } = listenSeries(gone, undefined, listens, deps);
  assert.deepEqual([[...info], published.size], [[['10.9.9.9:80', 0]], 0]);
});

test('published ports are those of the host, and ignored ports none', () => {
  const ignoredPorts = new Uint8Array(8192);
  ignoredPorts[40000 >> 3]! |= 1 << (40000 & 7);
  const ports = [
    { address: '0.0.0.0', port: 8080 },
    { address: '::', port: 8080 },
    { address: '0.0.0.0', port: 40000 },
  ];
  const { published } = listenSeries({ ...container, published: ports }, container, [], {
    ...deps,
    ignoredPorts,
  });
  assert.deepEqual([...published], ['192.0.2.1:8080', '[2001:db8::1]:8080']);
});

test('256 addresses are shown, the others counted', () => {
  const listens = Array.from({ length: 300 }, (_, i) => listen('10.0.0.9', 1000 + i));
  const { info, queues, hidden } = listenSeries(container, container, listens, deps);
  assert.deepEqual([info.size, queues.size, hidden], [256, 256, 44]);
});

test('1024 series are shown, the others counted', () => {
  const of = (): string[] => Array.from({ length: 600 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const listens = [listen('0.0.0.0', 80), listen('0.0.0.0', 81)];
  const ports = [80, 81].map((port) => ({ address: '0.0.0.0', port }));
  const { info, published, hidden } = listenSeries({ ...container, published: ports }, container, listens, {
    ...deps,
    namespaces: { of, ofHost: of },
  });
  assert.deepEqual([info.size, published.size, hidden], [1024, 1024, 2 * 176]);
});
