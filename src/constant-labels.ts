import type { Attributes } from '@opentelemetry/api';
import { catalogue } from './catalogue/index.ts';
import type { Scope } from './catalogue/metric.ts';

export interface Place {
  readonly machineId: string;
  readonly systemUuid: string;
  /** Shown only when both are known. */
  readonly availabilityZone: string;
  readonly region: string;
  /** The two may be told in a moment: the families that carry them are not shown yet. */
  readonly isAwaited?: boolean;
}

/**
 * The labels that every point of a family carries, by the family's scope; undefined while they are waited for. One
 * object per scope, always the same.
 */
export function constantLabels(place: Place): (metric: string) => Attributes | undefined {
  const node = { machine_id: place.machineId, system_uuid: place.systemUuid };
  const { availabilityZone: az, region } = place;
  const known = az !== '' && region !== '' ? { ...node, az, region } : node;
  const placed = place.isAwaited ? undefined : known;
  const byScope: Record<Scope, Attributes | undefined> = { bare: {}, node, agent: placed, container: placed };
  return (metric) => byScope[catalogue.get(metric)?.scope ?? 'bare'];
}
