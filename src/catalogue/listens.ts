import type { MetricSpec } from './metric.ts';

const own = (name: string, type: 'gauge' | 'counter', help: string): MetricSpec => ({
  name: `container_net_tcp_listen_${name}`,
  type,
  unit: '{connection}',
  help,
  labels: ['listen_addr'],
  scope: 'container',
  own: true,
});

/** Where containers listen. */
export const containerListenMetrics = {
  info: {
    name: 'container_net_tcp_listen_info',
    type: 'gauge',
    unit: '',
    help: '1 while the container listens there, 0 for ten minutes after; wildcards are shown as all addresses that they stand for.',
    labels: ['listen_addr', 'proxy'],
    scope: 'container',
  },
  queue: own('queue', 'gauge', 'Connections that wait to be accepted, by the address that is listened on.'),
  limit: own('queue_limit', 'gauge', 'How many connections may wait to be accepted.'),
  drops: own(
    'drops_total',
    'counter',
    'Connections that were dropped by those who listen, such as for want of room in the queue.',
  ),
  overflows: {
    ...own(
      'overflows_total',
      'counter',
      'Connections that found the queue full, in the network namespace of the container, which those of a pod share; not where it is the namespace of the host.',
    ),
    labels: [],
  },
} as const satisfies Record<string, MetricSpec>;

export const nodeListenMetrics = {
  overflows: {
    name: 'node_net_tcp_listen_overflows_total',
    type: 'counter',
    unit: '{connection}',
    help: 'Connections that found the queue of a socket full, in the network namespace of the host.',
    labels: [],
    scope: 'node',
    own: true,
  },
} as const satisfies Record<string, MetricSpec>;

/** What was left out. */
export const listenModelMetrics = {
  hidden: {
    name: 'node_agent_hidden_listens',
    type: 'gauge',
    unit: '{address}',
    help: 'Addresses that are listened on and left out of the last snapshot because their container, or the node, has too many.',
    labels: [],
    scope: 'node',
    own: true,
  },
} as const satisfies Record<string, MetricSpec>;
