import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { BpfObject, InsidePath } from '../../src/native/addon.ts';
import { codeOf } from '../../src/errors.ts';
import {
  addon,
  cgroup2Mount,
  compileBpf,
  fillEntries,
  int32,
  openProbe,
  scratch,
  skip,
  skipWalks,
  startTicksOf,
  threads,
  until,
} from './fixture.ts';
import { untilLevel } from './footprint.ts';

/** Of each function. */
const calls = Number(process.env['LEAK_CALLS'] ?? 400);
const rounds = 4;
/** Loads and attachments, as many as `calls` allow, to 200. */
const cycles = Math.max(20, Math.min(200, calls / 50));
/** 13 bytes a call of 10,000. Fewer calls hide in what the heap had free; the leak sanitizer sees each. */
const toleratedKiB = 32;
/** Freed memory is kept from use for a while by the address sanitizer, which has a leak detector of its own. */
const sanitized = process.env['ASAN_OPTIONS'] !== undefined;
const limits = { fewest: rounds, most: sanitized ? rounds : 3 * rounds, toleratedKiB };

const RTM_GETLINK = 18;
const [NETLINK_ROUTE, RTNLGRP_LINK] = [0, 1];
const allLinks = {
  protocol: NETLINK_ROUTE,
  messageType: RTM_GETLINK,
  isDump: true,
  payload: Buffer.alloc(16),
};

type Call = () => unknown;

/** A call that fails with `code`, thrown or rejected. */
function fails(code: string, call: Call): Call {
  return async () => {
    try {
      await call();
    } catch (error) {
      if (codeOf(error) === code) return;
      throw error;
    }
    throw new Error(`not ${code}: ${call.toString()}`);
  };
}

function smallProbe(): BpfObject {
  const probe = openProbe();
  probe.setMaxEntries('events', 4096);
  return probe;
}

let loaded: BpfObject;
let opened: BpfObject;
let closed: BpfObject;
let link: number;
/** A port that takes connections and closes them. */
let listening: number;
const listener = createServer((socket) => socket.destroy());

before(async () => {
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  listening = (listener.address() as AddressInfo).port;
  if (skip !== false) return;
  [loaded, opened, closed] = [smallProbe(), smallProbe(), smallProbe()];
  await loaded.load();
  fillEntries(loaded, 16);
  if (skipWalks === false) link = loaded.attach('copy', { iterMap: 'entries' });
  closed.close();
});

after(() => {
  listener.close();
  loaded?.close();
  opened?.close();
});

/** 127.0.0.1 and ::1. */
const loopback = Buffer.from('00000000000000000000ffff7f00000100000000000000000000000000000001', 'hex');

const key = int32(1, 2, 3);
const bad = Buffer.alloc(1000, 'x');
const damaged = skip === false ? compileBpf('refused').subarray(0, 2000) : bad;

/** A path as this process sees it. */
function inside(path: string): InsidePath {
  return { pid: process.pid, startTicks: startTicksOf(process.pid), path, place: 'any' };
}

/** Every function, as it succeeds and as it fails. */
const functions: Record<string, readonly Call[]> = {
  libbpfVersion: [() => addon.libbpfVersion()],
  statInside: [
    () => addon.statInside([inside('/proc'), inside('/nowhere'), inside('/proc/self/root')], 1000),
    fails('EINVAL', () => addon.statInside([{} as never], 1000)),
  ],
  openInside: [
    async () => {
      const asked = [inside('/proc/self/stat'), inside('/nowhere'), inside('/dev/null')];
      const files = await addon.openInside(asked, true, 1000);
      for (const file of files) if (file >= 0) closeSync(file);
    },
    fails('EINVAL', () => addon.openInside([], 1 as never, 1000)),
  ],
  readFiles: [
    () => addon.readFiles(['/proc/self/stat', '/nowhere', '/proc'], 1000, 4096),
    fails('EINVAL', () => addon.readFiles(['a\0b'], 1000, 4096)),
  ],
  netlinkDump: [
    () => addon.netlinkDump(null, RTM_GETLINK, 1000),
    fails('ENOENT', () => addon.netlinkDump('/nowhere', RTM_GETLINK, 1000)),
    fails('ETIMEDOUT', () => addon.netlinkDump(null, RTM_GETLINK, 0)),
  ],
  netlinkRequest: [
    () => addon.netlinkRequest(null, allLinks, 1000),
    fails('EINVAL', () => addon.netlinkRequest(null, { ...allLinks, messageType: 1 << 16 }, 1000)),
    fails('EPROTONOSUPPORT', () => addon.netlinkRequest(null, { ...allLinks, protocol: 1 << 16 }, 1000)),
  ],
  networkSetting: [
    () => addon.networkSetting(null, 'core/somaxconn', null),
    fails('ENOENT', () => addon.networkSetting('/nowhere', 'core/somaxconn', null)),
    fails('ENOENT', () => addon.networkSetting(null, 'core/nothing', null)),
  ],
  connectIn: [
    async () => closeSync(await addon.connectIn(null, '127.0.0.1', listening, 1000)),
    fails('ENOENT', () => addon.connectIn('/nowhere', '127.0.0.1', listening, 1000)),
    fails('EINVAL', () => addon.connectIn(null, 'localhost', listening, 1000)),
    fails('ECONNREFUSED', () => addon.connectIn(null, '127.0.0.1', 1, 1000)),
  ],
  ping: [
    () => addon.ping(null, loopback, 1000),
    () => addon.ping('/proc/self/ns/net', loopback, 0),
    fails('ENOENT', () => addon.ping('/nowhere', loopback, 1000)),
    fails('EINVAL', () => addon.ping(null, loopback.subarray(1), 1000)),
  ],
  stampReceived: [
    () => addon.stampReceived(true),
    () => addon.stampReceived(false),
    fails('EINVAL', () => addon.stampReceived(1 as never)),
  ],
  openJournal: [
    async () => (await addon.openJournal(scratch, null, () => {})).close(),
    fails('ENOENT', () => addon.openJournal('/nowhere', null, () => {})),
    fails('EINVAL', () => addon.openJournal('/', 'a\0b', () => {})),
  ],
  utsname: [
    () => addon.utsname(null),
    () => addon.utsname('/proc/self/ns/uts'),
    fails('EINVAL', () => addon.utsname('/proc/self/ns/net')),
  ],
  fileSystemType: [
    () => addon.fileSystemType('/proc'),
    fails('ENOENT', () => addon.fileSystemType('/nowhere')),
  ],
  raiseMemlock: [() => addon.raiseMemlock()],
  openObject: [
    () => smallProbe().close(),
    fails('ENOEXEC', () => addon.openObject(bad, 'bad')),
    fails('ENOEXEC', () => addon.openObject(damaged, 'damaged')),
  ],
  setAutoload: [
    () => opened.setAutoload('copy', true),
    fails('ENOENT', () => opened.setAutoload('nobody', true)),
  ],
  setMaxEntries: [
    () => opened.setMaxEntries('entries', 7),
    fails('EALREADY', () => loaded.setMaxEntries('entries', 7)),
  ],
  setInitial: [
    () => opened.setInitial('.rodata', 0, int32(1)),
    fails('ERANGE', () => opened.setInitial('.rodata', 6, int32(1))),
  ],
  load: [fails('EALREADY', () => loaded.load()), fails('EBADF', () => closed.load())],
  attach: [
    fails('ENOENT', () => loaded.attach('nobody')),
    fails('ENOENT', () => loaded.attach('socket_events', { cgroupPath: '/nowhere' })),
    fails('EBADF', () => loaded.attach('socket_events', { cgroupPath: '/proc' })),
  ],
  listen: [
    async () => loaded.detach((await loaded.listen('messages', null, NETLINK_ROUTE, RTNLGRP_LINK)).link),
    fails('EINVAL', () => loaded.listen('socket_events', null, NETLINK_ROUTE, RTNLGRP_LINK)),
    fails('ENOENT', () => loaded.listen('messages', '/nowhere', NETLINK_ROUTE, RTNLGRP_LINK)),
    fails('EBADF', () => closed.listen('messages', null, NETLINK_ROUTE, RTNLGRP_LINK)),
  ],
  detach: [
    () => loaded.detach(loaded.attach('copy', { iterMap: 'entries' })),
    fails('ENOENT', () => loaded.detach(0)),
  ],
  readIterator: [
    () => loaded.readIterator(link, 4096),
    fails('EFBIG', () => loaded.readIterator(link, 1)),
    fails('ENOENT', () => loaded.readIterator(0, 1)),
  ],
  readMap: [() => loaded.readMap('entries'), fails('ENOENT', () => loaded.readMap('nobody'))],
  lookup: [
    () => loaded.lookup('entries', key),
    () => loaded.lookup('entries', int32(0, 0, 0)),
    fails('EINVAL', () => loaded.lookup('entries', int32(1))),
  ],
  update: [
    () => loaded.update('entries', key, int32(1)),
    fails('E2BIG', () => loaded.update('places', int32(8), Buffer.alloc(8))),
  ],
  take: [() => loaded.take('entries', key), fails('EBADF', () => closed.take('entries', key))],
  remove: [() => loaded.remove('entries', key), fails('ENOENT', () => loaded.remove('nobody', key))],
  writeGlobal: [
    () => loaded.writeGlobal('.bss', 32, int32(1)),
    fails('EPERM', () => loaded.writeGlobal('.rodata', 0, int32(1))),
  ],
  readGlobal: [
    () => loaded.readGlobal('.bss', 0, 8),
    fails('ERANGE', () => loaded.readGlobal('.bss', 0, 1000)),
  ],
  programInfo: [
    () => loaded.programInfo('socket_events'),
    fails('ENOENT', () => loaded.programInfo('nobody')),
  ],
  mapInfo: [() => loaded.mapInfo('entries'), fails('EBADF', () => closed.mapInfo('entries'))],
  openRing: [
    () => loaded.openRing('events', () => {}).close(),
    fails('EINVAL', () => loaded.openRing('entries', () => {})),
  ],
  close: [() => closed.close()],
};

/** Their calls need a program that walks over a map. */
const walks: ReadonlySet<string> = new Set(['detach', 'readIterator']);

test('no function is left out', { skip }, () => {
  const named = [...Object.keys(addon), ...Object.keys(opened)];
  const known = named.filter((name) => name !== 'programs' && name !== 'maps');
  assert.deepEqual(known.sort(), Object.keys(functions).sort());
});

for (const [name, variants] of Object.entries(functions)) {
  test(`${name} leaves nothing behind`, { skip: walks.has(name) ? skipWalks : skip }, async () => {
    await level(async () => {
      for (let i = 0; i < calls / rounds; i++) for (const call of variants) await call();
    });
  });
}

test('nothing is left of objects that were loaded, attached and closed', { skip: skipWalks }, async (t) => {
  const cgroup2 = cgroup2Mount();
  const ids: Ids = { prog: new Set(), map: new Set() };
  await level(async () => {
    for (let i = 0; i < cycles / rounds; i++) {
      const probe = smallProbe();
      await probe.load();
      for (const { name } of probe.programs) ids.prog.add(probe.programInfo(name).id);
      for (const name of probe.maps) ids.map.add(probe.mapInfo(name).id);
      fillEntries(probe, 16);
      probe.attach('entered');
      probe.attach('socket_events', { cgroupPath: cgroup2 });
      await probe.readIterator(probe.attach('copy', { iterMap: 'entries' }), 4096);
      probe.openRing('events', () => {});
      probe.close();
    }
  });
  assert.ok(ids.prog.size >= 4 * cycles && ids.map.size >= 7 * cycles, 'each has ids of its own');
  if (spawnSync('bpftool', ['version']).status !== 0)
    return t.diagnostic('without bpftool: kernel not asked');
  await until(() => inKernel('prog', ids) === 0 && inKernel('map', ids) === 0);
});

test('nothing is left of loads that fail', { skip }, async () => {
  const elf = compileBpf('refused');
  const failing = async (code: RegExp, prepare: (object: BpfObject) => void): Promise<void> => {
    const object = addon.openObject(elf, 'failing');
    prepare(object);
    await assert.rejects(object.load(), { code });
    object.close();
  };
  await level(async () => {
    for (let i = 0; i < cycles / rounds; i++) {
      await failing(/^(EACCES|EINVAL)$/, () => {});
      await failing(/^E/, (object) => object.setMaxEntries('entries', 2 ** 31));
      await failing(/^EBADF$/, (object) => {
        object.setAutoload('unchecked', false);
        queueMicrotask(() => object.close());
      });
      await unprivileged(() => failing(/^EPERM$/, (object) => object.setAutoload('unchecked', false)));
    }
  });
});

/** Descriptors and threads as before, memory that stands still. */
async function level(round: () => Promise<void>): Promise<void> {
  await round();
  const { level, footprints } = await untilLevel(round, limits);
  const [first, last] = [footprints[0]!, footprints.at(-1)!];
  assert.equal(last.descriptors, first.descriptors);
  await until(() => threads() <= first.threads);
  const growth = footprints.map(({ anonymousKiB }) => anonymousKiB).join(' ');
  if (!sanitized) assert.ok(level, `memory grows with every round: ${growth} KiB`);
}

interface Ids {
  readonly prog: Set<number>;
  readonly map: Set<number>;
}

/** How many of ours the kernel still has; it frees them in its own time. */
function inKernel(kind: 'prog' | 'map', ids: Ids): number {
  const list = execFileSync('bpftool', ['-j', kind, 'show'], { encoding: 'utf8', maxBuffer: 16 << 20 });
  return (JSON.parse(list) as { id: number }[]).filter(({ id }) => ids[kind].has(id)).length;
}

/** Runs `body` without the capabilities of root, which come back with its number: capabilities(7). */
async function unprivileged(body: () => Promise<void>): Promise<void> {
  process.seteuid!(65_534);
  try {
    await body();
  } finally {
    process.seteuid!(0);
  }
}
