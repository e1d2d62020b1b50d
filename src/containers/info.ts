import type { Attributes, Meter } from '@opentelemetry/api';
import { containerInfoMetrics } from '../catalogue/containers.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import type { Member } from './member.ts';

/** What containers were made of. */
export function containerInfoCollector(meter: Meter, containers: { all(): Iterable<Member> }): Collector {
  const metrics = instruments(meter, containerInfoMetrics);
  const made = new WeakMap<Attributes, Attributes>();
  const labelsOf = ({ labels, image }: Member): Attributes => {
    let all = made.get(labels);
    if (all?.['image'] !== image) {
      all = { ...labels, image, systemd_triggered_by: '', systemd_type: '' };
      made.set(labels, all);
    }
    return all;
  };
  return {
    name: 'container_info',
    instruments: Object.values(metrics),
    collect(result) {
      for (const member of containers.all())
        if (member.visible && member.image !== '') result.observe(metrics.info, 1, labelsOf(member));
    },
  };
}
