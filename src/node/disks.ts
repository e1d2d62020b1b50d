import type { Attributes, Meter } from '@opentelemetry/api';
import { instruments } from '../catalogue/metric.ts';
import { nodeDiskMetrics } from '../catalogue/node.ts';
import type { Collector } from '../collector.ts';
import { wholeDiskOf } from '../host/disks.ts';
import { readText } from '../host/files.ts';
import { decimal } from '../host/statistics.ts';
import { completeLines } from './format.ts';

export interface Disk {
  readonly device: string;
  readonly reads: number;
  readonly writes: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly readMs: number;
  readonly writeMs: number;
  readonly ioMs: number;
}

/** Linux counts sectors of 512 bytes, whatever the device does (include/linux/types.h). */
const sectorBytes = 512;
const leastFields = 14;

/** Rows of /proc/diskstats (Documentation/admin-guide/iostats.rst); rows that are incomplete are left out. */
export function parseDisks(text: string): Disk[] {
  return completeLines(text).flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const device = fields[2] ?? '';
    if (fields.length < leastFields || wholeDiskOf(device) !== device) return [];
    const numbers = fields.slice(3, leastFields).map(decimal);
    if (!numbers.every((number) => number !== undefined)) return [];
    const [
      reads = 0,
      ,
      readSectors = 0,
      readMs = 0,
      writes = 0,
      ,
      writtenSectors = 0,
      writeMs = 0,
      ,
      ioMs = 0,
    ] = numbers;
    const readBytes = readSectors * sectorBytes;
    const writtenBytes = writtenSectors * sectorBytes;
    return [{ device, reads, writes, readBytes, writtenBytes, readMs, writeMs, ioMs }];
  });
}

/** Requests, bytes and times of the node's disks. */
export function diskCollector(meter: Meter, proc: string): Collector {
  const metrics = instruments(meter, nodeDiskMetrics);
  const path = `${proc}/diskstats`;
  let known = new Map<string, Attributes>();
  return {
    name: 'node_disks',
    instruments: Object.values(metrics),
    async collect(result) {
      const present = new Map<string, Attributes>();
      for (const disk of parseDisks(await readText(path))) {
        const { device } = disk;
        const labels = known.get(device) ?? { device };
        present.set(device, labels);
        result.observe(metrics.reads, disk.reads, labels);
        result.observe(metrics.writes, disk.writes, labels);
        result.observe(metrics.readBytes, disk.readBytes, labels);
        result.observe(metrics.writtenBytes, disk.writtenBytes, labels);
        result.observe(metrics.readSeconds, disk.readMs / 1000, labels);
        result.observe(metrics.writeSeconds, disk.writeMs / 1000, labels);
        result.observe(metrics.ioSeconds, disk.ioMs / 1000, labels);
      }
      known = present;
    },
  };
}
