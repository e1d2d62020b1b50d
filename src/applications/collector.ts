import type { Meter } from '@opentelemetry/api';
import { containerApplicationMetrics } from '../catalogue/containers.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import type { ContainerList } from '../model/containers.ts';
import { labelsWith } from '../model/labels.ts';
import type { ApplicationModel } from './model.ts';

/** Containers that are looked at in one go. */
const atOnce = 256;

/** What runs in containers: a series for each type among their living processes. */
export function applicationsCollector(
  meter: Meter,
  containers: ContainerList,
  model: ApplicationModel,
): Collector {
  const metrics = instruments(meter, containerApplicationMetrics);
  const withType = labelsWith((type: string) => ({ application_type: type }));
  return {
    name: 'container_applications',
    instruments: Object.values(metrics),
    async collect(result) {
      const living = [...containers.all()].filter(({ topCgroups }) => topCgroups.length > 0);
      for (let start = 0; start < living.length; start += atOnce)
        await model.update(living.slice(start, start + atOnce));
      for (const container of living)
        if (container.visible)
          for (const type of model.of(container))
            result.observe(metrics.type, 1, withType(container.labels, type));
    },
  };
}
