import type { MetricSpec } from './metric.ts';

/** Processes that the kernel killed for want of memory. */
export const containerOomMetrics = {
  kills: {
    name: 'container_oom_kills_total',
    type: 'counter',
    unit: '{kill}',
    help: 'Processes of the container that the OOM killer has ended; absent until the first.',
    labels: [],
    scope: 'container',
  },
} as const satisfies Record<string, MetricSpec>;
