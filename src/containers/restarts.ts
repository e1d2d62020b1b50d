import type { Meter } from '@opentelemetry/api';
import { containerRestartMetrics } from '../catalogue/containers.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import { otherId, type Member } from './member.ts';

/** Restarts of containers, 0 included. */
export function restartsCollector(meter: Meter, containers: { all(): Iterable<Member> }): Collector {
  const metrics = instruments(meter, containerRestartMetrics);
  return {
    name: 'container_restarts',
    instruments: Object.values(metrics),
    collect(result) {
      // How often one of all others was started again, nobody knows.
      for (const { id, visible, restarts, labels } of containers.all())
        if (visible && id !== otherId) result.observe(metrics.restarts, restarts, labels);
    },
  };
}
