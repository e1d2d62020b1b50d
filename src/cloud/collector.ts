import type { Meter } from '@opentelemetry/api';
import { cloudNoticeMetrics } from '../catalogue/cloud.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import type { WatchedCloud } from './start.ts';

/** How long the machine has, by what its cloud announces. */
export function noticeCollector(meter: Meter, cloud: Pick<WatchedCloud, 'notices'>): Collector {
  const { termination } = instruments(meter, cloudNoticeMetrics);
  return {
    name: 'node_cloud_notices',
    instruments: [termination],
    collect(result) {
      for (const [type, seconds] of cloud.notices()) result.observe(termination, seconds, { type });
    },
  };
}
