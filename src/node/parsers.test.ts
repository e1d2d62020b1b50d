import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AgentError } from '../errors.ts';
import { parseCpu } from './cpu.ts';
import { parseDisks } from './disks.ts';
import { parseUptime } from './info.ts';
import { parseMemory } from './memory.ts';
import { parseNetDev } from './procnet.ts';

const captured = (file: string): string =>
  readFileSync(join(import.meta.dirname, '../../test/hosts', file), 'utf8');

const cpuText = captured('systemd-v2/proc/stat');
const memoryText = captured('systemd-v2/proc/meminfo');
const diskText = captured('docker-v1/proc/diskstats');
const netText = captured('docker-v1/proc/net/dev');
const uptimeText = captured('systemd-v2/proc/uptime');

test('CPU columns are hundredths of seconds, cores are those online', () => {
  // Four CPUs of which CPU n has n+1 times the ticks: ten times in all.
  assert.deepEqual(parseCpu(cpuText, 'stat'), {
    seconds: [100, 2, 30, 9000, 4, 0, 1.5, 0.7],
    logicalCores: 4,
  });
});

test('a kB of memory is 1,000 bytes; a key that the kernel lacks is 0', () => {
  assert.deepEqual(parseMemory(memoryText, 'meminfo'), {
    totalBytes: 16_318_412_000,
    freeBytes: 1_234_568_000,
    availableBytes: 9_876_544_000,
    cachedBytes: 5_432_100_000,
  });
  assert.equal(parseMemory(memoryText.replace(/^MemAvailable.*\n/m, ''), 'meminfo').availableBytes, 0);
  for (const line of ['MemFree: 12x kB', 'MemFree: -1 kB', 'MemFree:', 'MemFree: 1 MB'])
    assert.throws(() => parseMemory(memoryText.replace(/^MemFree.*$/m, line), 'meminfo'), {
      code: 'EBADMSG',
    });
});

test('whole disks only, sectors of 512 bytes, incomplete rows left out', () => {
  const disks = parseDisks(diskText);
  assert.deepEqual(
    disks.map(({ device }) => device),
    ['sda', 'md0', 'vda', 'mmcblk0', 'rbd0'],
  );
  assert.deepEqual(disks[0], {
    device: 'sda',
    reads: 1500,
    writes: 2500,
    readBytes: 30_000 * 512,
    writtenBytes: 50_000 * 512,
    readMs: 700,
    writeMs: 900,
    ioMs: 1200,
  });
});

test('uptime has exactly two fields', () => {
  assert.equal(parseUptime(uptimeText, 'uptime'), 86_400.25);
  for (const text of ['1.0\n', '1.0 2.0 3.0\n', 'a b\n', '-1 2\n', '\n', '1.0 2.0'])
    assert.throws(() => parseUptime(text, 'uptime'), { code: 'EBADMSG' });
});

test('interfaces by name, without netlink', () => {
  assert.deepEqual(
    parseNetDev(netText).map(({ name, receivedBytes, transmittedPackets }) => [
      name,
      receivedBytes,
      transmittedPackets,
    ]),
    [
      ['eth41', 4_294_967_296_123, 70],
      ['eth41.100', 11, 14],
    ],
  );
});

const parsers: readonly [name: string, text: string, parse: (text: string) => unknown][] = [
  ['cpu', cpuText, (text) => parseCpu(text, 'stat')],
  ['memory', memoryText, (text) => parseMemory(text, 'meminfo')],
  ['disks', diskText, parseDisks],
  ['uptime', uptimeText, (text) => parseUptime(text, 'uptime')],
  ['net', netText, parseNetDev],
];

/** What may be shown of a file that was cut short: nothing, or rows that are in the whole file too. */
function isTrue(part: unknown, whole: unknown): boolean {
  if (!Array.isArray(part) || !Array.isArray(whole)) return JSON.stringify(part) === JSON.stringify(whole);
  const rows = new Set(whole.map((row) => JSON.stringify(row)));
  return part.every((row) => rows.has(JSON.stringify(row)));
}

for (const [name, text, parse] of parsers) {
  test(`${name}: cut short at any byte it is absent or true, never wrong`, () => {
    const whole = parse(text);
    for (let length = 0; length < text.length; length++) {
      try {
        const part = parse(text.slice(0, length));
        assert.ok(isTrue(part, whole), `cut at ${length}: ${JSON.stringify(part)}`);
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
      }
    }
  });

  test(`${name}: garbage is an AgentError or nothing, and quick`, () => {
    const garbage = [
      '\0\u{1}\u{fffd}'.repeat(10_000),
      'x'.repeat(10_000_000),
      `${'9'.repeat(400)} `.repeat(1000),
      text.replace(/\d/g, '-'),
      text.replace(/ /g, ''),
      text.replace(/\n/g, '\r'),
    ];
    for (const input of garbage) {
      try {
        const rows = parse(input);
        assert.deepEqual(Array.isArray(rows) ? rows : 'accepted', []);
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        assert.equal(error.code, 'EBADMSG');
      }
    }
  });
}
