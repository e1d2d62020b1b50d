import type { Meter } from '@opentelemetry/api';
import type { Collector } from '../collector.ts';
import type { HostIdentity } from '../host/identity.ts';
import type { CloudInstance } from '../model/cloud.ts';
import { cloudCollector } from './cloud.ts';
import { cpuCollector } from './cpu.ts';
import { diskCollector } from './disks.ts';
import { infoCollector, uptimeCollector } from './info.ts';
import { memoryCollector } from './memory.ts';
import { netCollector, type InterfaceSource } from './net.ts';

/** Every collector of the node itself. */
export function nodeCollectors(
  meter: Meter,
  node: { proc: string; identity: HostIdentity; cloud: () => CloudInstance; interfaces: InterfaceSource },
): Collector[] {
  const { proc, identity, cloud, interfaces } = node;
  return [
    infoCollector(meter, identity),
    cloudCollector(meter, cloud),
    uptimeCollector(meter, proc),
    cpuCollector(meter, proc),
    memoryCollector(meter, proc),
    diskCollector(meter, proc),
    netCollector(meter, interfaces),
  ];
}
