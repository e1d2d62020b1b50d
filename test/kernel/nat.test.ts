/** Where connections really go to when a router in front of them, their own namespace or both translate. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Features } from '../../src/features.ts';
import { tcpLayouts } from '../../src/kernel/layouts.ts';
import { natNamespaces } from '../../src/kernel/nat-namespaces.ts';
import { startNat, type Nat } from '../../src/kernel/nat.ts';
import { networkBytes, type Network } from '../../src/kernel/networks.ts';
import { flag, int32 } from '../../src/kernel/rodata.ts';
import { attachSource, tcpSources, type TcpSourceName } from '../../src/kernel/tcp-sources.ts';
import { textReader } from '../../src/host/texts.ts';
import type { ListedContainer } from '../../src/model/containers.ts';
import type { BpfObject } from '../../src/native/addon.ts';
import { compileC } from '../compile.ts';
import {
  addon,
  bpfObject,
  cgroup2Root,
  compileLoad,
  forEachSource,
  hierarchy,
  makeCgroup,
  skip as skipHere,
  type Cgroup,
  type Load,
} from './machine.ts';
import {
  backends,
  backends6,
  endServers,
  inodeOf,
  inside,
  makeNetwork,
  pathOf,
  removeNetwork,
  rules,
  serve,
  service,
  setting,
  withoutNft,
  type Place,
} from './nat-network.ts';

const skip = skipHere || withoutNft();
const connects = Math.ceil(Number(process.env['TRUTH_CONNECTS'] ?? 10_000) / 5);
const port = String(service.port);

let load: Load;
let cgroup: Cgroup;

before(() => {
  if (skip !== false) return;
  load = compileLoad();
  makeNetwork();
});

afterEach(endServers);

after(() => {
  if (skip !== false) return;
  load.close();
  cgroup?.remove();
  removeNetwork();
});

interface Counting {
  readonly object: BpfObject;
  readonly nat: Nat;
  readonly features: Features;
  /** Attaches the programs that count; then old sockets are looked for. */
  start(): Promise<void>;
  /** Successful connections of a cgroup, by `<destination> <actual destination>`. */
  counted(cgroup: Cgroup): Promise<Map<string, number>>;
}

/** As `startTcp` does, with the router as the host. */
async function count(
  name: TcpSourceName = 'sockops',
  entries?: number,
  enablesEvents = false,
  networks: readonly Network[] = [],
): Promise<Counting> {
  const source = tcpSources.find((each) => each.name === name)!;
  const object = await openFirst(
    source.objects.map(({ file }) => file),
    entries,
    networks,
  );
  const features = new Features();
  const options = { hostNamespace: pathOf('router'), enablesEvents };
  const nat = await startNat(addon(), object, options, features);
  return {
    object,
    nat,
    features,
    start: async () => {
      const walked = undefined;
      const { adopt } = attachSource(object, source, cgroup2Root ?? '', { walked, adopts: true });
      if (adopt !== undefined) await object.readIterator(adopt, 4096);
    },
    counted: async ({ id }) => decode(await object.readMap('tcp_counts'), id),
  };
}

/** The first that this kernel takes. */
async function openFirst(
  files: readonly string[],
  entries: number | undefined,
  networks: readonly Network[],
): Promise<BpfObject> {
  const failures: unknown[] = [];
  for (const file of files) {
    const object = addon().openObject(bpfObject(file), 'nat');
    try {
      const { memoryV1, hostNetns, networks: counted, networkCount } = tcpLayouts.rodata.fields;
      object.setInitial('.rodata', memoryV1.offset, flag(hierarchy.version === 1));
      object.setInitial('.rodata', hostNetns.offset, int32(inodeOf('router')));
      object.setInitial('.rodata', counted.offset, networkBytes(networks));
      object.setInitial('.rodata', networkCount.offset, int32(networks.length));
      object.setAutoload('tcp_active', false);
      if (entries !== undefined) object.setMaxEntries('nat_translations', entries);
      await object.load();
      return object;
    } catch (error) {
      failures.push(error);
      object.close();
    }
  }
  throw failures.at(-1);
}

function decode(counts: Buffer, cgroupId: number): Map<string, number> {
  const { tcpKey, tcpValue } = tcpLayouts;
  const found = new Map<string, number>();
  for (let at = 0; at < counts.length; at += tcpKey.size + tcpValue.size) {
    if (Number(counts.readBigUInt64LE(at)) !== cgroupId) continue;
    const [to, actual] = [tcpKey.fields.to, tcpKey.fields.actual].map(({ offset }) =>
      shown(counts, at + offset),
    );
    const successful = counts.readBigUInt64LE(at + tcpKey.size + tcpValue.fields.successful.offset);
    if (successful > 0n) found.set(`${to} ${actual}`, Number(successful));
  }
  return found;
}

/** `struct destination`, with IPv6 as the tests write it. */
function shown(bytes: Buffer, at: number): string {
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i));
  const mapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff;
  const address = mapped
    ? [...bytes.subarray(at + 12, at + 16)].join('.')
    : `[${words
        .map((word) => word.toString(16))
        .join(':')
        .replace(/(:0)+:/, '::')}]`;
  return `${address}:${bytes.readUInt16LE(at + 16)}`;
}

const place = (where: Place): Pick<Load, 'run' | 'start'> => load.inside(inside(where));

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, each) => sum + each, 0);
}

/** How many connections to an address are under its backends, none of which has got none. */
function behind(found: ReadonlyMap<string, number>, address: string): number {
  const each = backends.map((backend) => found.get(`${address} ${backend}`) ?? 0);
  assert.ok(Math.min(...each) > 0, JSON.stringify([...found]));
  return each.reduce((sum, count) => sum + count);
}

const ways = [
  ['client', service.ipv4, service.ipv4],
  ['client', service.ipv6, `[${service.ipv6}]`],
  ['client', `::ffff:${service.ipv4}`, service.ipv4],
  ['router', service.ipv4, service.ipv4],
  ['router', service.ipv6, `[${service.ipv6}]`],
] as const;

function withCgroup(): Cgroup {
  cgroup?.remove();
  return (cgroup = makeCgroup(`/system.slice/nat-${process.pid}-${counter++}.service`));
}
let counter = 0;

forEachSource((source, lack) => {
  test('every connection is under the backend that served it', { skip: skip || lack }, async (t) => {
    const own = withCgroup();
    const server = await serve();
    const { object, counted, start, features, nat } = await count(source);
    try {
      assert.deepEqual(features.get('nat'), { enabled: true, reason: '' });
      await start();
      const runs = ways.map(([from, address]) =>
        place(from).run('-c', own.directory, 'connect', address, port, String(connects)),
      );
      for (const result of await Promise.all(runs))
        assert.deepEqual(result, { established: connects, refused: 0, other: 0 });
      const served = await server.end();
      const expected = [...served].map(([backend, each]): [string, number] => [
        `${backend.startsWith('[') ? `[${service.ipv6}]` : service.ipv4}:${port} ${backend}`,
        each,
      ]);
      assert.equal(total(served), ways.length * connects);
      assert.deepEqual([...served.keys()].sort(), [...backends, ...backends6].sort());
      assert.deepEqual(new Map([...(await counted(own))].sort()), new Map(expected.sort()));
      assert.equal(nat.listeners.refused, 0);
      assert.equal((await object.readMap('nat_translations')).length, 0, 'all were consumed');
      t.diagnostic(`${total(served)} connections`);
    } finally {
      object.close();
    }
  });
}, false);

test(
  'what is translated to a network that counts does so too, and from then on when it fails',
  { skip },
  async () => {
    const own = withCgroup();
    const server = await serve();
    const abroad = service.ipv4;
    const networks = [{ address: Buffer.from('00000000000000000000ffff0a620000', 'hex'), bits: 96 + 16 }]; // 10.98.0.0/16
    const { object, counted, start } = await count('sockops', undefined, false, networks);
    const connect = (address: string, to: string): ReturnType<Load['run']> =>
      place('client').run('-c', own.directory, 'connect', address, to, '30');
    try {
      await start();
      assert.equal((await connect('10.96.1.1', '9001')).refused, 30);
      assert.equal((await counted(own)).size, 0);
      assert.equal((await connect(abroad, port)).established, 30);
      assert.equal(behind(await counted(own), `${abroad}:${port}`), 30);
      await server.end();
      assert.equal((await connect(abroad, port)).refused, 30);
      const { tcpKey, tcpValue } = tcpLayouts;
      const counts = await object.readMap('tcp_counts');
      const failed = new Map<string, number>();
      for (let at = 0; at < counts.length; at += tcpKey.size + tcpValue.size) {
        if (Number(counts.readBigUInt64LE(at)) !== own.id) continue;
        const refused = Number(counts.readBigUInt64LE(at + tcpKey.size + tcpValue.fields.failed.offset));
        if (refused > 0) failed.set(shown(counts, at + tcpKey.fields.to.offset), refused);
      }
      assert.deepEqual([...failed], [[`${abroad}:${port}`, 30]]);
    } finally {
      object.close();
    }
  },
);

test('connections that are older than the agent, and between', { skip }, async () => {
  const own = withCgroup();
  await serve();
  const holders = [
    await place('client').start('-c', own.directory, 'hold', service.ipv4, port, '30'),
    await place('router').start('-c', own.directory, 'hold', service.ipv6, port, '30'),
  ];
  const { object, counted, start } = await count();
  try {
    holders.push(await place('client').start('-c', own.directory, 'hold', service.ipv4, port, '30'));
    await start();
    const found = await counted(own);
    const expected = [...backends, ...backends6].map((backend, i): [string, number] => [
      `${i < 3 ? service.ipv4 : `[${service.ipv6}]`}:${port} ${backend}`,
      i < 3 ? 20 : 10,
    ]);
    assert.deepEqual(new Map([...found].sort()), new Map(expected.sort()));
  } finally {
    for (const holder of holders) holder.kill('SIGKILL');
    object.close();
  }
});

/** Of a container whose processes are in that cgroup. */
function containerOf({ id, path }: Cgroup): ListedContainer {
  const cgroups = [{ id, path }];
  return {
    id: 'x',
    labels: {},
    visible: true,
    cgroups,
    topCgroups: cgroups,
    activity: { runs: 0 },
    wasThere: true,
  };
}

const twice = '10.95.0.1';
const onItself = '10.95.0.2';
const rulesOfClient = `table ip own {
  chain output {
    type nat hook output priority -100;
    ip daddr ${twice} tcp dport 81 dnat to ${service.ipv4}:${port}
    ip daddr ${onItself} tcp dport 82 redirect to :9001
  }
}`;

test('a container that translates is found, counted behind both tables, and let go', { skip }, async () => {
  const own = withCgroup();
  await serve();
  rules('client', rulesOfClient);
  const { object, nat, counted, start } = await count();
  const container = containerOf(own);
  const now = { ms: 0 };
  const namespaces = natNamespaces({
    listeners: nat.listeners,
    containers: { all: () => [container] },
    mountPoint: hierarchy.mountPoint,
    proc: '/proc',
    read: textReader(addon()),
    except: [inodeOf('router')],
    nowMs: () => now.ms,
  });
  const sockets = async (): Promise<number> => (await object.readMap('nat_sockets')).length / 12;
  try {
    const holder = await place('client').start('-c', own.directory, 'hold', twice, '81', '3');
    await start();
    await namespaces.follow();
    assert.equal(await sockets(), 2);
    assert.deepEqual(await place('client').run('-c', own.directory, 'connect', twice, '81', '300'), {
      established: 300,
      refused: 0,
      other: 0,
    });
    const found = await counted(own);
    assert.equal(behind(found, `${twice}:81`), 300, JSON.stringify([...found]));
    await namespaces.follow();
    assert.equal(await sockets(), 2);

    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('exit', resolve));
    await namespaces.follow();
    assert.equal(await sockets(), 1, 'the namespace is let go with its process');
    assert.equal(nat.listeners.refusedNamespaces, 0);
  } finally {
    object.close();
    rules('client', 'delete table ip own');
  }
});

test('what a namespace sends to its own loopback does not count', { skip }, async () => {
  const own = withCgroup();
  rules('client', rulesOfClient);
  const server = await serve('client');
  const { object, nat, counted, start } = await count();
  try {
    await nat.listeners.open(pathOf('client'), inodeOf('client'));
    await start();
    const made = await place('client').run('-c', own.directory, 'connect', onItself, '82', '100');
    assert.deepEqual(made, { established: 100, refused: 0, other: 0 });
    assert.deepEqual(await counted(own), new Map());
    assert.deepEqual(total(await server.end()), 100);
  } finally {
    object.close();
    rules('client', 'delete table ip own');
  }
});

test('a full map pushes out old translations; what is not kept is counted', { skip }, async () => {
  const own = withCgroup();
  await serve();
  const entries = 128;
  const { object, nat, counted, start } = await count('sockops', entries);
  try {
    // Nobody consumes them: the programs that count are not there yet.
    await place('client').run('connect', service.ipv4, port, '1000');
    const left = (await object.readMap('nat_translations')).length / (44 + 32);
    assert.ok(left > 0 && left <= entries, String(left));
    assert.equal(nat.listeners.refused, 0);
    await start();
    await place('client').run('-c', own.directory, 'connect', service.ipv4, port, '300');
    const found = await counted(own);
    assert.equal(behind(found, `${service.ipv4}:${port}`), 300);
    const end = Buffer.alloc(20);
    const translations = Array.from({ length: entries + 9 }, () => ({ own: end, peer: end, actual: end }));
    nat.listeners.keep(0, translations);
    assert.equal(nat.listeners.refused, 9);
  } finally {
    object.close();
  }
});

/** A ctnetlink message as the kernel makes it: of 10.0.0.1:1000 to 10.0.0.2:80, which answers as 10.0.0.3:90. */
function message(change: (bytes: Buffer) => Buffer = (bytes) => bytes): string {
  const tuple = (type: number, source: number[], target: number[]): number[] => [
    ...[
      52,
      0,
      type,
      0x80,
      20,
      0,
      1,
      0x80,
      8,
      0,
      1,
      0,
      10,
      0,
      0,
      source[0]!,
      8,
      0,
      2,
      0,
      10,
      0,
      0,
      target[0]!,
    ],
    ...[28, 0, 2, 0x80, 5, 0, 1, 0, 6, 0, 0, 0, 6, 0, 2, 0, source[1]! >> 8, source[1]! & 255, 0, 0],
    ...[6, 0, 3, 0, target[1]! >> 8, target[1]! & 255, 0, 0],
  ];
  const body = [2, 0, 0, 0, ...tuple(1, [1, 1000], [2, 80]), ...tuple(2, [3, 90], [1, 1000])];
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE(0x100, 4);
  return change(Buffer.concat([header, Buffer.from(body)])).toString('hex');
}

test('only whole messages about a translation are believed', { skip }, async () => {
  const { object } = await count();
  const send = (lines: readonly string[]): number => {
    const [command = '', ...args] = [
      ...inside('router'),
      compileC(join(import.meta.dirname, 'nat.c')),
      'send',
      String(process.pid),
    ];
    execFileSync(command, args, { input: lines.map((line) => `${line}\n`).join('') });
    return lines.length;
  };
  const kept = async (): Promise<number> => (await object.readMap('nat_translations')).length / (44 + 32);
  const with8 = (at: number, value: number) => (bytes: Buffer) => {
    bytes[at] = value;
    return bytes;
  };
  try {
    const whole = message().length / 2;
    const cut = Array.from({ length: whole - 17 }, (_, i) => message((bytes) => bytes.subarray(0, 17 + i)));
    const changed = [
      message(with8(5, 2)), // of another subsystem
      message(with8(4, 2)), // of a connection that ends
      message(with8(12, 1)), // made by a program
      message(with8(16, 10)), // IPv6, it says
      message(with8(0, 255)), // longer than it is
      message(with8(20, 200)),
      message(with8(20, 0)),
      message(with8(21, 255)),
      message(with8(22, 2)),
      message(with8(24, 44)),
      message(with8(52, 17)), // UDP
      message(with8(74, 1)),
      message((bytes) => with8(87, 2)(with8(109, 80)(bytes))), // the same destination
    ];
    // Of connections before, which the router still knows.
    const before = await kept();
    send([...cut, ...changed]);
    assert.equal(await kept(), before);
    send([message()]);
    assert.equal(await kept(), before + 1);
  } finally {
    object.close();
  }
});

test('conntrack events that are off: it is said, or they are switched on', { skip }, async () => {
  setting('router', 'netfilter/nf_conntrack_events', '0');
  const off = await count();
  off.object.close();
  assert.deepEqual(off.features.get('nat'), { enabled: false, reason: 'no_sysctl' });

  const on = await count('sockops', undefined, true);
  on.object.close();
  assert.deepEqual(on.features.get('nat'), { enabled: true, reason: '' });
  const read = ['cat', '/proc/sys/net/netfilter/nf_conntrack_events'];
  const [command = '', ...args] = [...inside('router'), ...read];
  assert.equal(spawnSync(command, args, { encoding: 'utf8' }).stdout, '1\n');
});
