import type { Meter } from '@opentelemetry/api';
import { instruments } from '../catalogue/metric.ts';
import { containerOomMetrics } from '../catalogue/oom.ts';
import type { Collector } from '../collector.ts';
import type { OomModel } from './model.ts';

/** OOM kills of containers. Those that ended keep their count. */
export function oomCollector(meter: Meter, model: OomModel): Collector {
  const metrics = instruments(meter, containerOomMetrics);
  return {
    name: 'container_oom',
    instruments: Object.values(metrics),
    async collect(result) {
      await model.update();
      for (const [{ visible, labels }, kills] of model.kills())
        if (visible) result.observe(metrics.kills, kills, labels);
    },
  };
}
