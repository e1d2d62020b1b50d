import type { Meter } from '@opentelemetry/api';
import { containerInfoMetrics } from '../catalogue/containers.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import { labelsWith } from '../model/labels.ts';
import type { Member } from './member.ts';

/** What containers are made of, and how those start that are services of systemd. */
export function containerInfoCollector(meter: Meter, containers: { all(): Iterable<Member> }): Collector {
  const metrics = instruments(meter, containerInfoMetrics);
  // Neither of the first two has blanks.
  const withInfo = labelsWith((key: string) => {
    const [systemd_type = '', systemd_triggered_by = '', ...image] = key.split(' ');
    return { image: image.join(' '), systemd_triggered_by, systemd_type };
  });
  return {
    name: 'container_info',
    instruments: Object.values(metrics),
    collect(result) {
      for (const { visible, labels, image, facts } of containers.all()) {
        const isKnown = image !== '' || facts.type !== '' || facts.triggeredBy !== '';
        if (visible && isKnown)
          result.observe(metrics.info, 1, withInfo(labels, `${facts.type} ${facts.triggeredBy} ${image}`));
      }
    },
  };
}
