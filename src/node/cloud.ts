import type { Attributes, Meter } from '@opentelemetry/api';
import { instruments } from '../catalogue/metric.ts';
import { nodeCloudMetrics, type cloudLabels } from '../catalogue/node.ts';
import type { Collector } from '../collector.ts';
import type { CloudInstance } from '../model/cloud.ts';

/** Where the node lives: one series with all labels, known or not. */
export function cloudCollector(meter: Meter, instance: () => CloudInstance): Collector {
  const { info } = instruments(meter, nodeCloudMetrics);
  let shown = instance();
  let labels = labelsOf(shown);
  return {
    name: 'node_cloud',
    instruments: [info],
    collect(result) {
      const now = instance();
      if (now !== shown) labels = labelsOf((shown = now));
      result.observe(info, 1, labels);
    },
  };
}

function labelsOf(instance: CloudInstance): Attributes {
  return {
    provider: instance.provider,
    account_id: instance.accountId,
    instance_id: instance.instanceId,
    instance_type: instance.instanceType,
    instance_life_cycle: instance.instanceLifeCycle,
    region: instance.region,
    availability_zone: instance.availabilityZone,
    availability_zone_id: instance.availabilityZoneId,
    local_ipv4: instance.localIpv4,
    public_ipv4: instance.publicIpv4,
  } satisfies Record<(typeof cloudLabels)[number], string>;
}
