import type { MetricSpec } from './metric.ts';

/** What containers are. */
export const containerInfoMetrics = {
  info: {
    name: 'container_info',
    type: 'gauge',
    unit: '',
    help: 'Always 1; the image of the container, or how the systemd service starts and the first unit that starts it. Absent while neither is known.',
    labels: ['image', 'systemd_triggered_by', 'systemd_type'],
    scope: 'container',
  },
} as const satisfies Record<string, MetricSpec>;

/** How containers fare. */
export const containerRestartMetrics = {
  restarts: {
    name: 'container_restarts_total',
    type: 'counter',
    unit: '{restart}',
    help: 'How often the container was started again after all of its processes had ended.',
    labels: [],
    scope: 'container',
  },
} as const satisfies Record<string, MetricSpec>;

/** What runs in containers. */
export const containerApplicationMetrics = {
  type: {
    name: 'container_application_type',
    type: 'gauge',
    unit: '',
    help: 'Always 1; a type of software among the processes of the container.',
    labels: ['application_type'],
    scope: 'container',
  },
} as const satisfies Record<string, MetricSpec>;
