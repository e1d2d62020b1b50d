import type { Meter } from '@opentelemetry/api';
import { containerInfoMetrics } from '../catalogue/containers.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import { labelsWith } from '../model/labels.ts';
import type { Member } from './member.ts';

/** What containers were made of. */
export function containerInfoCollector(meter: Meter, containers: { all(): Iterable<Member> }): Collector {
  const metrics = instruments(meter, containerInfoMetrics);
  const withImage = labelsWith((image: string) => ({ image, systemd_triggered_by: '', systemd_type: '' }));
  return {
    name: 'container_info',
    instruments: Object.values(metrics),
    collect(result) {
      for (const { visible, labels, image } of containers.all())
        if (visible && image !== '') result.observe(metrics.info, 1, withImage(labels, image));
    },
  };
}
