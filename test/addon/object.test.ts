import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  addon,
  cgroup2Mount,
  compileBpf,
  count,
  counts,
  openDescriptors,
  openProbe,
  skip,
  skipWalks,
  threads,
} from './fixture.ts';

test('an object lists what it holds', { skip }, () => {
  const probe = openProbe();
  assert.deepEqual(probe.programs, [
    { name: 'copy', section: 'iter/bpf_map_elem' },
    { name: 'send', section: 'iter/bpf_map_elem' },
    { name: 'entered', section: 'raw_tp/sys_enter' },
    { name: 'socket_events', section: 'sockops' },
    { name: 'messages', section: 'socket' },
  ]);
  assert.deepEqual([...probe.maps].sort(), [
    '.bss',
    '.data',
    '.rodata',
    'entries',
    'events',
    'per_cpu',
    'places',
  ]);
  probe.close();
});

test('what is not an object is refused with a reason', { skip }, () => {
  const probe = compileBpf('probe');
  for (const elf of [
    Buffer.alloc(0),
    Buffer.alloc(1000),
    probe.subarray(0, 100),
    probe.subarray(0, 2000),
    Buffer.alloc(1000, 'x'),
  ])
    assert.throws(() => addon.openObject(elf, 'bad'), {
      code: /^E[A-Z]+$/,
      syscall: 'bpf_object__open_mem',
      path: 'bad',
    });
  assert.throws(() => addon.openObject(Buffer.alloc(1000), 'bad'), {
    code: 'ENOEXEC',
    detail: /not a proper ELF/,
  });
});

test('damaged bytes never kill', { skip }, async () => {
  const elf = compileBpf('refused');
  for (let i = 0; i < 300; i++) {
    const damaged = Buffer.from(elf);
    for (let hit = 0; hit < 8; hit++)
      damaged[(i * 7919 + hit * 104_729) % damaged.length]! ^= 1 << ((i + hit) % 8);
    try {
      const object = addon.openObject(damaged, 'damaged');
      object.close();
    } catch (error) {
      assert.match((error as { code: string }).code, /^E[A-Z0-9]+$/);
    }
  }
});

test('the verifier says why', { skip }, async () => {
  const object = addon.openObject(compileBpf('refused'), 'refused');
  await assert.rejects(object.load(), {
    code: /^(EACCES|EINVAL)$/,
    syscall: 'bpf(BPF_PROG_LOAD)',
    path: 'refused',
    detail: /prog 'unchecked'/,
    verifierLog: /invalid mem access 'map_value_or_null'/,
  });
  assert.throws(() => object.attach('harmless'), { code: 'EINVAL' });
  object.close();
});

test('a program that cannot load is left out', { skip }, async () => {
  const object = addon.openObject(compileBpf('refused'), 'refused');
  object.setAutoload('unchecked', false);
  await object.load();
  object.detach(object.attach('harmless'));
  assert.throws(() => object.attach('unchecked'), { syscall: 'bpf(BPF_LINK_CREATE)', path: 'unchecked' });
  object.close();
});

test('a map that cannot be made is named', { skip }, async () => {
  const object = addon.openObject(compileBpf('refused'), 'refused');
  object.setMaxEntries('entries', 2 ** 31);
  await assert.rejects(object.load(), {
    syscall: 'bpf(BPF_MAP_CREATE)',
    detail: /map 'entries': failed to create/,
  });
  object.close();
});

test('a tracepoint counts from attach to detach', { skip }, async () => {
  const probe = openProbe();
  await probe.load();
  assert.equal(count(probe, counts.entered), 0);
  const link = probe.attach('entered');
  for (let i = 0; i < 100; i++) readFileSync('/proc/self/stat');
  probe.detach(link);
  readFileSync('/proc/self/stat');
  const seen = count(probe, counts.entered);
  assert.ok(seen >= 300, `${seen} system calls`);
  readFileSync('/proc/self/stat');
  assert.equal(count(probe, counts.entered), seen);
  assert.throws(() => probe.detach(link), { code: 'ENOENT' });

  const info = probe.programInfo('entered');
  assert.ok(info.id > 0);
  probe.close();
});

test('the statistics of the verifier agree with what the kernel keeps', { skip: skipWalks }, async (t) => {
  const figures = async (options?: { verifierStats: boolean }): Promise<number[]> => {
    const probe = openProbe();
    await probe.load(options);
    const counted = probe.programs.map(({ name }) => probe.programInfo(name).verifiedInstructions);
    probe.close();
    return counted;
  };
  const asked = await figures({ verifierStats: true });
  assert.ok(asked.every((count) => count > 0));
  const kept = await figures();
  if (kept.every((count) => count === 0)) t.diagnostic('this kernel keeps none (Linux 5.16)');
  else assert.deepEqual(asked, kept);
});

test('a sockops program sees the connections below its cgroup', { skip }, async () => {
  const probe = openProbe();
  await probe.load();
  const mount = cgroup2Mount();
  const empty = join(mount, `addon-test-${process.pid}`);
  mkdirSync(empty);
  try {
    const link = probe.attach('socket_events', { cgroupPath: empty });
    await connectOnce();
    assert.equal(count(probe, counts.socketEvents), 0);
    probe.detach(link);
    probe.attach('socket_events', { cgroupPath: mount });
    await connectOnce();
    const seen = count(probe, counts.socketEvents);
    assert.ok(seen >= 14 && seen % 7 === 0, `7 an event, as .data says: ${seen}`);
  } finally {
    probe.close();
    rmdirSync(empty);
  }
  assert.throws(() => probe.attach('socket_events', { cgroupPath: mount }), { code: 'EBADF' });
});

test('attaching to what is not there names the path', { skip }, async () => {
  const probe = openProbe();
  await probe.load();
  assert.throws(() => probe.attach('socket_events', { cgroupPath: '/nowhere' }), {
    code: 'ENOENT',
    syscall: 'open',
    path: '/nowhere',
  });
  assert.throws(() => probe.attach('socket_events', { cgroupPath: '/proc' }), {
    syscall: 'bpf(BPF_LINK_CREATE)',
    path: '/proc',
  });
  assert.throws(() => probe.attach('nobody'), { code: 'ENOENT', path: 'nobody' });
  assert.throws(() => probe.attach('copy', { iterMap: 'nobody' }), { code: 'ENOENT', path: 'nobody' });
  assert.throws(() => probe.attach(7 as unknown as string), { code: 'EINVAL', syscall: 'argument' });
  probe.close();
});

test('the order of calls is kept', { skip }, async () => {
  const probe = openProbe();
  assert.throws(() => probe.attach('entered'), { code: 'EINVAL' });
  assert.throws(() => probe.lookup('places', Buffer.alloc(4)), { code: 'EINVAL' });
  const loading = probe.load();
  assert.throws(() => probe.setMaxEntries('entries', 1), { code: 'EBUSY' });
  await assert.rejects(probe.load(), { code: 'EBUSY' });
  await loading;
  await assert.rejects(probe.load(), { code: 'EALREADY' });
  assert.throws(() => probe.setAutoload('copy', false), { code: 'EALREADY' });
  probe.close();
  probe.close();
  assert.throws(() => probe.programInfo('copy'), { code: 'EBADF' });
  await assert.rejects(probe.readMap('entries'), { code: 'EBADF' });
  await assert.rejects(probe.readIterator(1, 1), { code: 'EBADF' });
});

test('closing while work is under way is safe', { skip: skipWalks }, async () => {
  const early = openProbe();
  const loading = early.load();
  early.close();
  await assert.rejects(loading, { code: 'EBADF' });

  const probe = openProbe();
  await probe.load();
  const link = probe.attach('copy', { iterMap: 'entries' });
  const work = Promise.all([probe.readMap('entries'), probe.readIterator(link, 1000)]);
  probe.close();
  assert.deepEqual(
    (await work).map((contents) => contents.length),
    [0, 0],
  );
});

test('a thousand objects leave no descriptor and no thread behind', { skip }, async () => {
  const elf = compileBpf('refused');
  const cycle = async (attach: boolean): Promise<void> => {
    const object = addon.openObject(elf, 'cycle');
    object.setAutoload('unchecked', false);
    await object.load();
    if (attach) object.attach('harmless');
    object.close();
  };
  await cycle(true);
  const before = [openDescriptors(), threads()];
  // The kernel takes its time to detach.
  for (let i = 0; i < 1000; i++) await cycle(i % 50 === 0);
  assert.deepEqual([openDescriptors(), threads()], before);
});

async function connectOnce(): Promise<void> {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').resume();
  await once(client, 'close');
  server.close();
  await once(server, 'close');
}
