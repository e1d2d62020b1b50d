import type { MetricSpec } from './metric.ts';

/** What containers talk to answers an echo. */
export const latencyMetrics = {
  roundTrip: {
    name: 'container_net_latency_seconds',
    type: 'gauge',
    unit: 's',
    labels: ['destination_ip'],
    scope: 'container',
    help: 'Round-trip time of an ICMP echo from the container to an address that it connects to; absent without an answer within 0.3 s.',
  },
} as const satisfies Record<string, MetricSpec>;

/** Of the echoes themselves. */
export const pingMetrics = {
  refused: {
    name: 'node_agent_refused_pings_total',
    type: 'counter',
    unit: '{ping}',
    labels: [],
    scope: 'node',
    help: 'Addresses that were not pinged in a round because there were too many, or because pinging took too long or too much CPU time; they come first in the next.',
    own: true,
  },
} as const satisfies Record<string, MetricSpec>;
