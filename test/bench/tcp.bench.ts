/** A full kernel table through the TCP collector into a snapshot: how long the event loop stands still. */
import { setTimeout as sleep } from 'node:timers/promises';
import { tcpLayouts } from '../../src/kernel/layouts.ts';
import type { Container } from '../../src/model/containers.ts';
import { tcpCollector } from '../../src/tcp/collector.ts';
import { nothingRead } from '../../src/tcp/reading.fixture.ts';
import { networkFilter, networksOf } from '../../src/tcp/filters.ts';
import { SnapshotMeter } from '../../src/telemetry/meter.ts';
import { report } from './table.ts';

const entries = 20_000;
const containers = Array.from({ length: 1000 }, (_, index): Container => {
  const id = `/system.slice/bench-${index}.service`;
  return { id, labels: { container_id: id, app_id: '' }, visible: true };
});

/** Every entry another destination, in turn of all containers; each open and counted both ways. */
function fullTable(): Buffer {
  const { tcpKey, destination, tcpValue } = tcpLayouts;
  const entryBytes = tcpKey.size + tcpValue.size;
  const table = Buffer.alloc(entries * entryBytes);
  for (let index = 0; index < entries; index++) {
    const at = index * entryBytes;
    const to = at + tcpKey.fields.to.offset;
    table.writeUInt32LE((index % containers.length) + 1, at + tcpKey.fields.cgroupId.offset);
    for (const end of [to, at + tcpKey.fields.actual.offset]) {
      table.writeUInt16BE(0xffff, end + destination.fields.address.offset + 10);
      table.writeUInt32BE(0x0a000000 + index, end + destination.fields.address.offset + 12);
      table.writeUInt16LE(443, end + destination.fields.port.offset);
    }
    const value = at + tcpKey.size;
    table.writeUInt32LE(1000 + index, value + tcpValue.fields.successful.offset);
    table.writeUInt32LE(1 + index, value + tcpValue.fields.failed.offset);
    table.writeUInt32LE(3, value + tcpValue.fields.active.offset);
    table.writeUInt32LE(1, value + tcpValue.fields.walk.offset);
  }
  return table;
}

const counts = fullTable();
const meter = new SnapshotMeter();
const collector = tcpCollector(meter, {
  program: { read: async () => ({ ...nothingRead, counts }), take: () => null },
  directory: { byCgroup: (cgroupId) => containers[cgroupId - 1] },
  keeps: networkFilter(networksOf(['0.0.0.0/0'])),
});
meter.addBatchObservableCallback((result) => collector.collect(result), collector.instruments);

/** Longest time between two turns of the event loop while `work` runs, and how long all of it took. */
async function longestBlockMs(work: () => Promise<unknown>): Promise<{ blockMs: number; totalMs: number }> {
  let running = true;
  let blockMs = 0;
  const watch = (async () => {
    for (let lastMs = performance.now(); running;) {
      await sleep(0);
      const nowMs = performance.now();
      blockMs = Math.max(blockMs, nowMs - lastMs);
      lastMs = nowMs;
    }
  })();
  const startMs = performance.now();
  await work();
  const totalMs = performance.now() - startMs;
  running = false;
  await watch;
  return { blockMs, totalMs };
}

const rounds = [];
for (let round = 0; round < 8; round++) rounds.push(await longestBlockMs(() => meter.collect()));
const later = rounds.slice(1).map(({ blockMs }) => blockMs);
report(`a full table: ${entries} destinations of ${containers.length} containers`, [
  { name: 'series', value: meter.figures.series, unit: '' },
  { name: 'longest block, first snapshot', value: rounds[0]!.blockMs, unit: 'ms', budget: 30 },
  {
    name: 'longest block, later snapshots (median)',
    value: later.sort((a, b) => a - b)[3]!,
    unit: 'ms',
    budget: 30,
  },
  { name: 'first snapshot in all', value: rounds[0]!.totalMs, unit: 'ms' },
  { name: 'last snapshot in all', value: rounds.at(-1)!.totalMs, unit: 'ms' },
]);
