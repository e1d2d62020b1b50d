/** Node figures of this machine against what the test itself reads of /proc just before and just after. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { run } from '../agent/rig.ts';
import { page, seriesOf } from '../peers/peer.ts';
import { proves } from '../proof.ts';

/** Series by a shorter key, from the kernel's files alone: `<what> <which>`. */
function truth(): Map<string, number> {
  const read = (file: string): string => readFileSync(`/proc/${file}`, 'utf8');
  const found = new Map<string, number>();
  const cpu = /^cpu +(.*)$/m.exec(read('stat'))![1]!.split(' ');
  ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'].forEach((mode, column) =>
    found.set(`node_resources_cpu_usage_seconds_total ${mode}`, Number(cpu[column]) / 100),
  );
  found.set('node_resources_cpu_logical_cores ', read('stat').match(/^cpu\d/gm)!.length);
  found.set('node_uptime_seconds ', Number(read('uptime').split(' ')[0]));
  const memory = (key: string): number =>
    Number(new RegExp(`^${key}: +(\\d+)`, 'm').exec(read('meminfo'))![1]) * 1000;
  found.set('node_resources_memory_total_bytes ', memory('MemTotal'));
  found.set('node_resources_memory_free_bytes ', memory('MemFree'));
  found.set('node_resources_memory_available_bytes ', memory('MemAvailable'));
  found.set('node_resources_memory_cached_bytes ', memory('Cached'));
  for (const line of read('diskstats').split('\n')) {
    const fields = line.trim().split(/ +/);
    const device = fields[2] ?? '';
    if (!/^([shv]d[a-z]|xvd[a-z]|nvme\d+n\d+|dm-\d+|md\d+)$/.test(device)) continue;
    const set = (name: string, column: number, factor: number): unknown =>
      found.set(`node_resources_disk_${name}_total ${device}`, Number(fields[column]) * factor);
    set('reads', 3, 1);
    set('read_bytes', 5, 512);
    set('read_time_seconds', 6, 0.001);
    set('writes', 7, 1);
    set('written_bytes', 9, 512);
    set('write_time_seconds', 10, 0.001);
    set('io_time_seconds', 12, 0.001);
  }
  for (const [, name, columns] of read('net/dev').matchAll(/^ *((?:eth|ens|eno)\d+): *(.*)$/gm)) {
    const numbers = columns!.trim().split(/ +/).map(Number);
    found.set(`node_net_received_bytes_total ${name}`, numbers[0]!);
    found.set(`node_net_received_packets_total ${name}`, numbers[1]!);
    found.set(`node_net_transmitted_bytes_total ${name}`, numbers[8]!);
    found.set(`node_net_transmitted_packets_total ${name}`, numbers[9]!);
  }
  return found;
}

/** Gauges that go up and down between two readings: equal within this share of the installed memory. */
const moving = /memory_(free|available|cached)/;
const memoryShare = 0.01;

test('every node figure lies between two readings of the kernel', async (t) => {
  const agent = await run(t, undefined, []);
  await sleep(1100); // a snapshot is reused for a second: the next one is younger than `before`
  const before = truth();
  const text = await page(`${agent.url}/metrics`);
  const shown = new Map<string, number>();
  for (const [key, value] of seriesOf(text ?? '')) {
    const which = /(?:mode|device|interface)="([^"]*)"/.exec(key)?.[1] ?? '';
    shown.set(`${key.slice(0, key.indexOf('{'))} ${which}`, value);
  }
  const after = truth();

  const total = before.get('node_resources_memory_total_bytes ')!;
  for (const [key, low] of before) {
    const value = shown.get(key);
    const high = after.get(key)!;
    assert.notEqual(value, undefined, key);
    const slack = moving.test(key) ? total * memoryShare : 1e-6;
    assert.ok(
      value! >= Math.min(low, high) - slack && value! <= Math.max(low, high) + slack,
      `${key}: ${low} <= ${value} <= ${high}`,
    );
  }
  assert.ok(before.size > 15, `${before.size} figures compared`);
  proves(t, ...new Set([...before.keys()].map((key) => key.split(' ')[0]!)));
});

test('the node is named as uname(1) does', async (t) => {
  const agent = await run(t, undefined, []);
  const uname = (what: string): string =>
    RegExp.escape(execFileSync('uname', [what], { encoding: 'utf8' }).trim());
  const text = await page(`${agent.url}/metrics`);
  const labels = `hostname="${uname('-n')}",kernel_version="${uname('-r')}",`;
  assert.match(text ?? '', new RegExp(`^node_info\\{${labels}.*\\} 1$`, 'm'));
  proves(t, 'node_info');
});
