import type { Attributes, Meter } from '@opentelemetry/api';
import { instruments } from '../catalogue/metric.ts';
import { cloudLabels, nodeCloudMetrics } from '../catalogue/node.ts';
import type { Collector } from '../collector.ts';

/** What the operator says about the instance; empty where nothing is said. */
export interface CloudOverrides {
  readonly provider: string;
  readonly region: string;
  readonly availabilityZone: string;
  readonly instanceType: string;
  readonly instanceLifeCycle: string;
}

/** Where the node lives: one series with all labels, known or not. */
export function cloudCollector(meter: Meter, cloud: CloudOverrides): Collector {
  const { info } = instruments(meter, nodeCloudMetrics);
  const unknown = Object.fromEntries(cloudLabels.map((label) => [label, '']));
  const labels: Attributes = {
    ...unknown,
    provider: cloud.provider,
    region: cloud.region,
    availability_zone: cloud.availabilityZone,
    instance_type: cloud.instanceType,
    instance_life_cycle: cloud.instanceLifeCycle,
  };
  return { name: 'node_cloud', instruments: [info], collect: (result) => result.observe(info, 1, labels) };
}
