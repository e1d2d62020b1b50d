import type { MetricSpec } from './metric.ts';

const family = (
  name: string,
  type: MetricSpec['type'],
  unit: string,
  help: string,
  labels: readonly string[] = [],
): MetricSpec => ({ name: `container_resources_${name}`, type, unit, help, labels, scope: 'container' });

/** CPU of containers. */
export const containerCpuMetrics = {
  usage: family('cpu_usage_seconds_total', 'counter', 's', 'CPU time that the container has used.'),
  throttled: family(
    'cpu_throttled_seconds_total',
    'counter',
    's',
    'Time for which the CPU limit has held the container back.',
  ),
  limit: family(
    'cpu_limit_cores',
    'gauge',
    '{cpu}',
    'CPUs that the container may use at most; absent without a limit.',
  ),
} as const;

/** What the tasks of containers wait for. */
export const containerDelayMetrics = {
  cpu: family(
    'cpu_delay_seconds_total',
    'counter',
    's',
    'Time for which tasks of the container were ready to run and had no CPU.',
  ),
  disk: family(
    'disk_delay_seconds_total',
    'counter',
    's',
    'Time for which tasks of the container have waited for block devices; the kernel counts it if kernel.task_delayacct says so.',
  ),
} as const;

/** Memory of containers. */
export const containerMemoryMetrics = {
  rss: family(
    'memory_rss_bytes',
    'gauge',
    'By',
    'Memory of the processes of the container, with the pages of files that they have mapped.',
  ),
  cache: family('memory_cache_bytes', 'gauge', 'By', 'Page cache that is charged to the container.'),
  limit: family(
    'memory_limit_bytes',
    'gauge',
    'By',
    'Memory that the container may use at most; absent without a limit.',
  ),
} as const;

const pressure = (resource: string, name: string): MetricSpec =>
  family(
    `${resource}_pressure_waiting_seconds_total`,
    'counter',
    's',
    `Time for which some or all (\`full\`) tasks of the container have waited for ${name}.`,
    ['kind'],
  );

/** Pressure stall information of containers. */
export const containerPressureMetrics = {
  cpu: pressure('cpu', 'a CPU'),
  memory: pressure('memory', 'memory'),
  io: pressure('io', 'block devices'),
} as const;
