import type { Attributes } from '@opentelemetry/api';
import { catalogue } from './catalogue/index.ts';
import type { Scope } from './catalogue/metric.ts';

export interface Place {
  readonly machineId: string;
  readonly systemUuid: string;
  /** Shown only when both are known. */
  readonly availabilityZone: string;
  readonly region: string;
}

/** The labels that every point of a family carries, by the family's scope. One object per scope, always the same. */
export function constantLabels(place: Place): (metric: string) => Attributes {
  const node = { machine_id: place.machineId, system_uuid: place.systemUuid };
  const { availabilityZone: az, region } = place;
  const placed = az !== '' && region !== '' ? { ...node, az, region } : node;
  const byScope: Record<Scope, Attributes> = { bare: {}, node, agent: placed, container: placed };
  return (metric) => byScope[catalogue.get(metric)?.scope ?? 'bare'];
}
