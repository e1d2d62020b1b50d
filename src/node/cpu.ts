import type { Attributes, Meter } from '@opentelemetry/api';
import { instruments } from '../catalogue/metric.ts';
import { nodeCpuMetrics } from '../catalogue/node.ts';
import type { Collector } from '../collector.ts';
import { readText } from '../host/files.ts';
import { decimal } from '../host/statistics.ts';
import { completeLines, malformed } from './format.ts';

/** Columns 1 to 8 of the `cpu` line of /proc/stat; guest time is part of user and nice. Source: proc_stat(5). */
const modes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;
/** USER_HZ: 100 on every Linux architecture we run on. */
const ticksPerSecond = 100;

export interface CpuTimes {
  /** In the order of `modes`. */
  readonly seconds: readonly number[];
  readonly logicalCores: number;
}

/** Throws `EBADMSG` unless the aggregate line is whole: half of the modes would be a lie. */
export function parseCpu(text: string, path: string): CpuTimes {
  const lines = completeLines(text);
  const total = lines.find((line) => line.startsWith('cpu '))?.split(/\s+/) ?? [];
  const ticks = modes.map((_, column) => decimal(total[column + 1]));
  if (!ticks.every((count) => count !== undefined)) throw malformed(path, 'no complete line `cpu`');
  // Behind the CPUs the file goes on; a file that ends with them may have lost some.
  const cores = lines.filter((line) => /^cpu\d/.test(line)).length;
  if (cores === 0 || /^cpu/.test(lines.at(-1) ?? '')) throw malformed(path, 'ends within the list of CPUs');
  return { seconds: ticks.map((count) => count / ticksPerSecond), logicalCores: cores };
}

/** CPU time of the node by mode. */
export function cpuCollector(meter: Meter, proc: string): Collector {
  const metrics = instruments(meter, nodeCpuMetrics);
  const path = `${proc}/stat`;
  const labels = modes.map((mode): Attributes => ({ mode }));
  return {
    name: 'node_cpu',
    instruments: Object.values(metrics),
    async collect(result) {
      const { seconds, logicalCores } = parseCpu(await readText(path), path);
      seconds.forEach((value, mode) => result.observe(metrics.usage, value, labels[mode]));
      result.observe(metrics.cores, logicalCores);
    },
  };
}
