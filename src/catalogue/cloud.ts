import type { MetricSpec } from './metric.ts';

/** What a cloud announces that it will do to the machine. */
export const cloudNoticeMetrics = {
  termination: {
    name: 'node_cloud_termination_notice_seconds',
    type: 'gauge',
    unit: 's',
    labels: ['type'],
    scope: 'node',
    help: 'Time until the cloud takes the machine away, or interrupts it, as announced; 0 where no time is given or it has passed, absent while nothing is announced.',
    own: true,
  },
} as const satisfies Record<string, MetricSpec>;
