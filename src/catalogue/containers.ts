import type { MetricSpec } from './metric.ts';

/** What containers are. */
export const containerInfoMetrics = {
  info: {
    name: 'container_info',
    type: 'gauge',
    unit: '',
    help: 'Always 1; the image of the container. Absent while that is unknown.',
    labels: ['image', 'systemd_triggered_by', 'systemd_type'],
    scope: 'container',
  },
} as const satisfies Record<string, MetricSpec>;
