import type { Meter } from '@opentelemetry/api';
import { instruments } from '../catalogue/metric.ts';
import { nodeInfoMetrics } from '../catalogue/node.ts';
import type { Collector } from '../collector.ts';
import { readText } from '../host/files.ts';
import type { HostIdentity } from '../host/identity.ts';
import { completeLines, malformed } from './format.ts';

/** Seconds since boot, the first of exactly two fields of /proc/uptime (proc_uptime(5)). */
export function parseUptime(text: string, path: string): number {
  const fields = completeLines(text)[0]?.split(' ') ?? [];
  if (fields.length !== 2 || !fields.every((field) => /^\d{1,15}(\.\d+)?$/.test(field))) {
    throw malformed(path, 'not two numbers');
  }
  return Number(fields[0]);
}

/** Name and kernel of the node. */
export function infoCollector(meter: Meter, { hostName, kernelRelease }: HostIdentity): Collector {
  const { info } = instruments(meter, { info: nodeInfoMetrics.info });
  const labels = { hostname: hostName, kernel_version: kernelRelease };
  return { name: 'node_info', instruments: [info], collect: (result) => result.observe(info, 1, labels) };
}

/** How long the node has been up. */
export function uptimeCollector(meter: Meter, proc: string): Collector {
  const { uptime } = instruments(meter, { uptime: nodeInfoMetrics.uptime });
  const path = `${proc}/uptime`;
  return {
    name: 'node_uptime',
    instruments: [uptime],
    collect: async (result) => result.observe(uptime, parseUptime(await readText(path), path)),
  };
}
