import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { networkInterfaces, hostname, release, machine } from 'node:os';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { addon, count, counts, openProbe, skip, start, stop, threads, until } from './fixture.ts';

const [RTM_NEWLINK, RTM_GETLINK, RTM_NEWADDR, RTM_GETADDR] = [16, 18, 20, 22];
const [IFLA_IFNAME, IFA_ADDRESS] = [3, 1];

interface Message {
  readonly type: number;
  readonly body: Buffer;
}

/** netlink(7): u32 length, u16 type, u16 flags, u32 sequence, u32 port; each message padded to 4. */
function* messages(dump: Buffer): Generator<Message> {
  for (let at = 0; at < dump.length;) {
    const length = dump.readUInt32LE(at);
    assert.ok(length >= 16 && at + length <= dump.length);
    yield { type: dump.readUInt16LE(at + 4), body: dump.subarray(at + 16, at + length) };
    at += Math.ceil(length / 4) * 4;
  }
}

/** rtnetlink(7): u16 length, u16 type, padded to 4, from `start`. */
function attribute(body: Buffer, start: number, wanted: number): Buffer | undefined {
  for (let at = start; at + 4 <= body.length; at += Math.ceil(body.readUInt16LE(at) / 4) * 4) {
    const end = at + body.readUInt16LE(at);
    if (body.readUInt16LE(at + 2) === wanted) return body.subarray(at + 4, end);
  }
  return undefined;
}

async function linkNames(nsPath: string | null): Promise<string[]> {
  const found = [...messages(await addon.netlinkDump(nsPath, RTM_GETLINK, 1000))];
  assert.ok(found.every(({ type }) => type === RTM_NEWLINK));
  return found.map(({ body }) => String(attribute(body, 16, IFLA_IFNAME)).replace('\0', '')).sort();
}

/** /proc/<pid>/net/dev: two lines of headings, then a name and a colon. */
function namesInProc(pid: number | 'self'): string[] {
  const lines = readFileSync(`/proc/${pid}/net/dev`, 'utf8').trimEnd().split('\n').slice(2);
  return lines.map((line) => line.slice(0, line.indexOf(':')).trim()).sort();
}

function namespacesOfAllThreads(kind: string): Set<string> {
  return new Set(
    readdirSync('/proc/self/task').map((task) => readlinkSync(`/proc/self/task/${task}/ns/${kind}`)),
  );
}

test('the links of our own namespace', async () => {
  assert.deepEqual(await linkNames(null), namesInProc('self'));
});

test('the addresses of our own namespace', async () => {
  const found = [...messages(await addon.netlinkDump(null, RTM_GETADDR, 1000))];
  assert.ok(found.every(({ type }) => type === RTM_NEWADDR));
  const addresses = found
    .filter(({ body }) => body[0] === 2)
    .map(({ body }) => attribute(body, 8, IFA_ADDRESS)?.join('.'));
  const expected = Object.values(networkInterfaces()).flatMap((all) =>
    all!.filter(({ family }) => family === 'IPv4'),
  );
  assert.ok(expected.length > 0);
  for (const { address } of expected) assert.ok(addresses.includes(address), address);
});

test('the links of another namespace, and nobody moves there', { skip }, async () => {
  const other = await start('unshare', [
    '-n',
    'sh',
    '-c',
    'ip link set lo name other0; echo ready; exec sleep 60',
  ]);
  try {
    const expected = namesInProc(other.pid!);
    assert.ok(expected.includes('other0'));
    const [mine, before] = [readlinkSync('/proc/self/ns/net'), threads()];
    for (let i = 0; i < 50; i++) assert.deepEqual(await linkNames(`/proc/${other.pid}/ns/net`), expected);
    await until(() => threads() <= before);
    assert.deepEqual(namespacesOfAllThreads('net'), new Set([mine]));
  } finally {
    await stop(other);
  }
});

const [NETLINK_ROUTE, RTNLGRP_LINK] = [0, 1];

test('requests of any kind are answered, or refused with the words of the kernel', async () => {
  const ask = (messageType: number, isDump: boolean, payload: Buffer): Promise<Buffer> =>
    addon.netlinkRequest(null, { protocol: NETLINK_ROUTE, messageType, isDump, payload }, 1000);
  const all = [...messages(await ask(RTM_GETLINK, true, Buffer.alloc(16)))];
  assert.equal(all.length, (await linkNames(null)).length);
  const loopback = Buffer.alloc(16);
  loopback.writeInt32LE(1, 4);
  const one = [...messages(await ask(RTM_GETLINK, false, loopback))];
  assert.deepEqual(
    one.map(({ type, body }) => [type, String(attribute(body, 16, IFLA_IFNAME))]),
    [[RTM_NEWLINK, 'lo\0']],
  );
  loopback.writeInt32LE(0x7fffffff, 4);
  await assert.rejects(ask(RTM_GETLINK, false, loopback), { code: 'ENODEV', syscall: 'recvfrom' });
  await assert.rejects(ask(RTM_GETLINK, false, Buffer.alloc(3)), { code: 'EINVAL' });
  await assert.rejects(ask(70_000, false, Buffer.alloc(16)), { code: 'EINVAL', syscall: 'argument' });
});

test('settings of another namespace are read and changed there alone', { skip }, async () => {
  const other = await start('unshare', ['-n', 'sh', '-c', 'echo ready; exec sleep 60']);
  const name = 'ipv4/ip_default_ttl';
  const path = `/proc/${other.pid}/ns/net`;
  try {
    const mine = readFileSync(`/proc/sys/net/${name}`, 'utf8').trim();
    assert.equal(await addon.networkSetting(path, name, '77'), '77');
    assert.equal(await addon.networkSetting(path, name, null), '77');
    assert.equal(await addon.networkSetting(null, name, null), mine);
    await assert.rejects(addon.networkSetting(path, name, 'x'), { code: 'EINVAL', syscall: 'write' });
    await assert.rejects(addon.networkSetting(path, 'ipv4/nothing', null), {
      code: 'ENOENT',
      syscall: 'open',
    });
  } finally {
    await stop(other);
  }
});

test('a socket in another namespace hears of it until it is closed', { skip }, async () => {
  const other = await start('unshare', ['-n', 'sh', '-c', 'echo ready; exec sleep 60']);
  const probe = openProbe();
  const change = (state: string): unknown =>
    execFileSync('nsenter', [`--net=/proc/${other.pid}/ns/net`, 'ip', 'link', 'set', 'lo', state]);
  try {
    await probe.load();
    const [mine, before] = [readlinkSync('/proc/self/ns/net'), threads()];
    const listening = await probe.listen(
      'messages',
      `/proc/${other.pid}/ns/net`,
      NETLINK_ROUTE,
      RTNLGRP_LINK,
    );
    const second = await probe.listen('messages', null, NETLINK_ROUTE, RTNLGRP_LINK);
    assert.equal(listening.cookie.length, 8);
    assert.notDeepEqual(listening.cookie, second.cookie);
    await until(() => threads() <= before);
    assert.deepEqual(namespacesOfAllThreads('net'), new Set([mine]));

    probe.detach(second.link);
    change('up');
    const heard = count(probe, counts.messages);
    assert.ok(heard > 0);
    probe.detach(listening.link);
    change('down');
    assert.equal(count(probe, counts.messages), heard);
    assert.throws(() => probe.detach(listening.link), { code: 'ENOENT' });
    await assert.rejects(probe.listen('entered', null, NETLINK_ROUTE, RTNLGRP_LINK), {
      code: 'EINVAL',
      syscall: 'setsockopt(SO_ATTACH_BPF)',
    });
    const late = probe.listen('messages', null, NETLINK_ROUTE, RTNLGRP_LINK);
    probe.close();
    await assert.rejects(late, { code: 'EBADF' });
  } finally {
    probe.close();
    await stop(other);
  }
});

test('a connection from inside another namespace, and nobody moves there', { skip }, async () => {
  const program = `require('node:net').createServer((socket) => socket.end('from there')).listen(7, '::', () => console.log('ready'))`;
  const other = await start('unshare', [
    ...['-n', 'sh', '-c'],
    `ip link set lo up; ip link add void0 type veth peer name void1; ip link set void1 up; ip address add 192.0.2.1/24 dev void0; ip link set void0 up
    exec "${process.execPath}" -e "${program}"`,
  ]);
  const path = `/proc/${other.pid}/ns/net`;
  try {
    const [mine, before] = [readlinkSync('/proc/self/ns/net'), threads()];
    for (const address of ['127.0.0.1', '192.0.2.1', '::1']) {
      const socket = new Socket({ fd: await addon.connectIn(path, address, 7, 1000), readable: true });
      assert.equal(await text(socket), 'from there', address);
    }
    await until(() => threads() <= before);
    assert.deepEqual(namespacesOfAllThreads('net'), new Set([mine]));
    const refused = { code: 'ECONNREFUSED', syscall: 'connect' };
    await assert.rejects(addon.connectIn(path, '127.0.0.1', 8, 1000), refused);
    await assert.rejects(addon.connectIn(path, '198.51.100.1', 7, 1000), { code: 'ENETUNREACH' });
    const began = performance.now();
    await assert.rejects(addon.connectIn(path, '192.0.2.2', 7, 200), {
      code: 'ETIMEDOUT',
      syscall: 'connect',
    });
    const tookMs = performance.now() - began;
    assert.ok(tookMs >= 199 && tookMs < 1000, `${tookMs} ms`);
    for (const port of [0, 65_536])
      await assert.rejects(addon.connectIn(path, '127.0.0.1', port, 1000), {
        code: 'EINVAL',
        syscall: 'argument',
      });
    for (const name of ['localhost', '', '127.1'])
      await assert.rejects(addon.connectIn(path, name, 7, 1000), { code: 'EINVAL', syscall: 'argument' });
  } finally {
    await stop(other);
  }
});

test('names of this machine', async () => {
  assert.deepEqual(await addon.utsname(null), {
    nodename: hostname(),
    release: release(),
    machine: machine(),
  });
});

test('the name in another namespace', { skip }, async () => {
  const other = await start('unshare', [
    '-u',
    'sh',
    '-c',
    'echo elsewhere > /proc/sys/kernel/hostname; echo ready; exec sleep 60',
  ]);
  try {
    assert.equal((await addon.utsname(`/proc/${other.pid}/ns/uts`)).nodename, 'elsewhere');
    assert.equal((await addon.utsname(null)).nodename, hostname());
  } finally {
    await stop(other);
  }
});

test('what is not a namespace is named', { skip }, async () => {
  await assert.rejects(addon.utsname('/nowhere'), { code: 'ENOENT', syscall: 'open', path: '/nowhere' });
  await assert.rejects(addon.utsname('/proc/self/ns/net'), {
    code: 'EINVAL',
    syscall: 'setns',
    path: '/proc/self/ns/net',
  });
  await assert.rejects(addon.netlinkDump('/proc/self/stat', RTM_GETLINK, 1000), {
    code: 'EINVAL',
    syscall: 'setns',
  });
  await assert.rejects(addon.netlinkDump(null, 26, 1000), { code: 'EINVAL', syscall: 'argument' });
  await assert.rejects(addon.netlinkDump(null, RTM_GETLINK, 0), { code: 'ETIMEDOUT', syscall: 'recvfrom' });
});

test('file system types', () => {
  assert.equal(addon.fileSystemType('/proc'), 0x9fa0);
  assert.throws(() => addon.fileSystemType('/nowhere'), {
    code: 'ENOENT',
    syscall: 'statfs',
    path: '/nowhere',
  });
});

test('the memory lock limit goes as high as it may', () => {
  const limits = (): string[] | undefined =>
    /^Max locked memory +(\S+) +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.slice(1);
  execFileSync('prlimit', [`--pid=${process.pid}`, '--memlock=65536:']);
  assert.equal(limits()?.[0], '65536');
  addon.raiseMemlock();
  const [soft, hard] = limits()!;
  assert.notEqual(soft, '65536');
  assert.equal(soft, hard);
});
