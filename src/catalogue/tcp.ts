import type { MetricSpec } from './metric.ts';

const family = (
  name: string,
  type: MetricSpec['type'],
  labels: readonly string[],
  help: string,
): MetricSpec => ({
  name: `container_net_tcp_${name}`,
  type,
  unit: '{connection}',
  help,
  labels,
  scope: 'container',
});

/** Outbound TCP connections of containers. */
export const tcpMetrics = {
  successful: family(
    'successful_connects_total',
    'counter',
    ['destination', 'actual_destination'],
    'Outbound TCP connections that reached ESTABLISHED.',
  ),
  failed: family(
    'failed_connects_total',
    'counter',
    ['destination'],
    'Outbound TCP connection attempts that ended before ESTABLISHED.',
  ),
  active: family(
    'active_connections',
    'gauge',
    ['destination', 'actual_destination'],
    'Outbound TCP connections currently open.',
  ),
} as const;
