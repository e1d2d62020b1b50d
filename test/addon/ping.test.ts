/** Echoes to a device of the test's own, which answers in its own ways. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import ipaddr from 'ipaddr.js';
import { compileC } from '../compile.ts';
import { addon, openDescriptors, scratch, skip as noRoot, start, stop, threads, until } from './fixture.ts';

const skip = noRoot || (!existsSync('/dev/net/tun') && 'needs TUN devices');
const { ENETUNREACH, EACCES, EHOSTUNREACH, ETIMEDOUT, EPERM } = constants.errno;
const delayMs = 40;
const timeoutMs = 1000;

let answering: ChildProcess;
let space: string;

/** A namespace whose network 10.66.0.0/16 and fd66::/64 is `echo.c`. */
function startAnswering(): Promise<ChildProcess> {
  const script = `set -e
    ip link set lo up
    ip tuntap add dev echo0 mode tun
    ip link set echo0 txqueuelen 5000 up
    ip address add 10.66.255.1/16 dev echo0
    ip address add fd66::ff01/64 dev echo0 nodad
    ip route add prohibit 198.51.100.0/24
    ip route add unreachable 203.0.113.0/24
    exec ${compileC(join(import.meta.dirname, 'echo.c'))} echo0 ${delayMs}`;
  return start('unshare', ['--net', 'sh', '-c', script]);
}

before(async () => {
  if (skip !== false) return;
  answering = await startAnswering();
  space = `/proc/${answering.pid}/ns/net`;
  addon.stampReceived(true);
  await sleep(100);
});

after(async () => {
  if (skip !== false) return;
  addon.stampReceived(false);
  await stop(answering);
});

function bytesOf(text: string): Uint8Array {
  const address = ipaddr.process(text);
  return Uint8Array.from(
    (address instanceof ipaddr.IPv4 ? address.toIPv4MappedAddress() : address).toByteArray(),
  );
}

/** Milliseconds, or the errno behind a minus, by address. */
async function ping(path: string | null, addresses: readonly string[], limitMs = timeoutMs) {
  const { errors, roundTripNs } = await addon.ping(path, Buffer.concat(addresses.map(bytesOf)), limitMs);
  assert.equal(errors.length, addresses.length);
  return new Map(addresses.map((address, i) => [address, errors[i] ? -errors[i] : roundTripNs[i]! / 1e6]));
}

function assertBetween(value: number | undefined, least: number, most: number): void {
  assert.ok(value !== undefined && value >= least && value <= most, `${least} <= ${value} <= ${most}`);
}

test('a round trip takes what the other side takes', { skip }, async () => {
  for (const [slow, quick] of [
    ['10.66.0.2', '10.66.0.1'],
    ['fd66::2', 'fd66::1'],
  ] as const) {
    const began = performance.now();
    const found = await ping(space, [slow, quick]);
    const took = performance.now() - began;
    assertBetween(found.get(slow), delayMs, took);
    assertBetween(found.get(quick), 0.000_001, took);
    assert.ok(found.get(quick)! < found.get(slow)!);
  }
});

test('who does not answer, and where nothing can be sent, costs nobody else', { skip }, async () => {
  const limitMs = 300;
  const began = performance.now();
  const found = await ping(
    space,
    ['10.66.0.3', '10.66.0.1', '192.0.2.1', '198.51.100.1', 'fd66::3', '203.0.113.1', 'fd99::1', 'fd66::1'],
    limitMs,
  );
  assertBetween(performance.now() - began, limitMs, 20 * limitMs);
  assertBetween(found.get('10.66.0.1'), 0, limitMs);
  assertBetween(found.get('fd66::1'), 0, limitMs);
  found.delete('10.66.0.1');
  found.delete('fd66::1');
  assert.deepEqual(
    found,
    new Map([
      ['10.66.0.3', -ETIMEDOUT],
      ['192.0.2.1', -ENETUNREACH],
      ['198.51.100.1', -EACCES],
      ['fd66::3', -ETIMEDOUT],
      ['203.0.113.1', -EHOSTUNREACH],
      ['fd99::1', -ENETUNREACH],
    ]),
  );
});

test('replies that are not exactly ours do not count', { skip }, async () => {
  const wrong = ['4', '5', '6', '7', '10'].flatMap((way) => [
    `10.66.0.${way}`,
    `fd66::${Number(way).toString(16)}`,
  ]);
  const found = await ping(space, [...wrong, '10.66.0.8', 'fd66::8', '10.66.0.9'], 500);
  for (const address of wrong) assert.equal(found.get(address), -ETIMEDOUT, address);
  for (const address of ['10.66.0.8', 'fd66::8', '10.66.0.9']) assertBetween(found.get(address), 0, 500);
});

test('a thousand at once, by several who do not disturb each other', { skip }, async () => {
  const many = Array.from({ length: 1000 }, (_, i) => `10.66.${1 + (i >> 8)}.${i & 255}`);
  const six = Array.from({ length: 200 }, (_, i) => `fd66::1${i.toString(16).padStart(3, '0')}`);
  const [descriptors, running] = [openDescriptors(), threads()];
  const all = await Promise.all(
    [many, [...many, ...six], six].map((some) => ping(space, some, 10 * timeoutMs)),
  );
  for (const found of all) for (const [address, value] of found) assert.ok(value > 0, `${address}: ${value}`);
  await until(() => threads() <= running);
  assert.equal(openDescriptors(), descriptors);
});

test('nobody moves to the namespace, which is told', { skip }, async () => {
  const mine = readlinkSync('/proc/self/ns/net');
  const { namespaceInode, cpuNs } = await addon.ping(space, bytesOf('10.66.0.1'), timeoutMs);
  assert.equal(namespaceInode, statSync(space).ino);
  assert.ok(cpuNs > 0);
  await until(() =>
    readdirSync('/proc/self/task').every((task) => readlinkSync(`/proc/self/task/${task}/ns/net`) === mine),
  );
  assert.equal(
    (await addon.ping(null, bytesOf('127.0.0.1'), 0)).namespaceInode,
    statSync('/proc/self/ns/net').ino,
  );
});

test('a namespace that goes meanwhile', { skip }, async () => {
  const other = await startAnswering();
  const path = `/proc/${other.pid}/ns/net`;
  const under = ping(path, ['10.66.0.3', '10.66.0.1'], 300);
  await sleep(50);
  await stop(other);
  const found = await under;
  assert.equal(found.get('10.66.0.3'), -ETIMEDOUT);
  await assert.rejects(ping(path, ['10.66.0.1']), { code: 'ENOENT', syscall: 'open', path });
});

test('what is no namespace keeps nobody waiting', { skip }, async () => {
  const pipe = join(scratch, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await assert.rejects(ping(pipe, ['10.66.0.1']), { code: 'EINVAL', syscall: 'setns', path: pipe });
  await assert.rejects(addon.ping(null, Buffer.alloc(17), 1), { code: 'EINVAL', syscall: 'argument' });
  await assert.rejects(addon.ping(null, Buffer.alloc(16 * 65_537), 1), { code: 'EINVAL' });
  assert.equal((await addon.ping(null, Buffer.alloc(0), 1)).errors.length, 0);
});

test('without the right to', { skip }, async () => {
  process.seteuid!(65_534);
  try {
    assert.equal((await ping(null, ['127.0.0.1'])).get('127.0.0.1'), -EPERM);
  } finally {
    process.seteuid!(0);
  }
});

test('the delay of a network', { skip }, async (t) => {
  const script =
    'ip link set lo up && tc qdisc add dev lo root netem delay 30ms && echo ready && exec sleep 60';
  const has = spawnSync('unshare', [
    '--net',
    'sh',
    '-c',
    'ip link set lo up && tc qdisc add dev lo root netem delay 1ms',
  ]);
  if (has.status !== 0) return t.skip('needs the queueing discipline netem');
  const other = await start('unshare', ['--net', 'sh', '-c', script]);
  t.after(() => stop(other));
  const found = await ping(`/proc/${other.pid}/ns/net`, ['127.0.0.1', '::1']);
  // Request and reply go through it; the request is stamped when it leaves the queue.
  for (const value of found.values()) assertBetween(value, 30, 30 * 10);
});
