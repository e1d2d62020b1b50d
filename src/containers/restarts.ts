import type { Meter } from '@opentelemetry/api';
import { containerRestartMetrics } from '../catalogue/containers.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import type { Member } from './member.ts';

/** Restarts of containers, 0 included. */
export function restartsCollector(meter: Meter, containers: { all(): Iterable<Member> }): Collector {
  const metrics = instruments(meter, containerRestartMetrics);
  return {
    name: 'container_restarts',
    instruments: Object.values(metrics),
    collect(result) {
      for (const { visible, restarts, labels } of containers.all())
        if (visible) result.observe(metrics.restarts, restarts, labels);
    },
  };
}
