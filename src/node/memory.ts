import type { Meter } from '@opentelemetry/api';
import { instruments } from '../catalogue/metric.ts';
import { nodeMemoryMetrics } from '../catalogue/node.ts';
import type { Collector } from '../collector.ts';
import { readText } from '../host/files.ts';
import { completeLines, malformed } from './format.ts';

export interface Memory {
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly availableBytes: number;
  readonly cachedBytes: number;
}

/** The reference counts a kB of /proc/meminfo as 1,000 bytes, although the kernel means 1,024; dashboards expect it. */
const bytesPerKilobyte = 1000;
/** The last of the four keys in the file: proc_meminfo(5). A file that ends before it was cut short. */
const lastKey = 'Cached';

/**
 * Keys the kernel does not have are 0. Throws `EBADMSG` for a file that is cut short or no meminfo, and for a line of one
 * of the four keys that holds no number.
 */
export function parseMemory(text: string, path: string): Memory {
  const lines = completeLines(text);
  const lineOf = (key: string): string | undefined => lines.find((line) => line.startsWith(`${key}:`));
  const bytesOf = (key: string): number => {
    const line = lineOf(key);
    if (line === undefined) return 0;
    const [, value, unit] = /^\w+:\s+(\d{1,16})( kB)?$/.exec(line) ?? [];
    if (value === undefined) throw malformed(path, `no number in line \`${key}\``);
    return Number(value) * (unit === undefined ? 1 : bytesPerKilobyte);
  };
  if (lineOf('MemTotal') === undefined || lineOf(lastKey) === undefined)
    throw malformed(path, `no complete lines MemTotal to ${lastKey}`);
  return {
    totalBytes: bytesOf('MemTotal'),
    freeBytes: bytesOf('MemFree'),
    availableBytes: bytesOf('MemAvailable'),
    cachedBytes: bytesOf('Cached'),
  };
}

/** Memory of the node. */
export function memoryCollector(meter: Meter, proc: string): Collector {
  const metrics = instruments(meter, nodeMemoryMetrics);
  const path = `${proc}/meminfo`;
  return {
    name: 'node_memory',
    instruments: Object.values(metrics),
    async collect(result) {
      const memory = parseMemory(await readText(path), path);
      result.observe(metrics.total, memory.totalBytes);
      result.observe(metrics.free, memory.freeBytes);
      result.observe(metrics.available, memory.availableBytes);
      result.observe(metrics.cached, memory.cachedBytes);
    },
  };
}
