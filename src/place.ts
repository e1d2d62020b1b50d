import { isDeepStrictEqual } from 'node:util';
import type { Attributes } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { constantLabels, type Place } from './constant-labels.ts';
import type { Clock } from './host/clock.ts';
import type { Cloud, CloudInstance } from './model/cloud.ts';
import { createResource, type NodeIdentity } from './telemetry/resource.ts';

/** How long what carries `az` and `region` waits for the first answer of a cloud. */
const maxWaitMs = 5000;

/** Where the node lives, as one snapshot shows it: what the cloud says in the middle of one is for the next. */
export interface ShownPlace {
  /** Begins a snapshot: everything below is of this moment until the next one begins. */
  begin(): Resource;
  readonly instance: CloudInstance;
  /** Of a family. Undefined while they are waited for. The same object until they change. */
  labels(metric: string): Attributes | undefined;
}

/** Nothing waits where `az` and `region` are known already, nor longer than five seconds from now. */
export function shownPlace(identity: NodeIdentity, cloud: Cloud, clock: Clock): ShownPlace {
  const { machineId, systemUuid } = identity;
  const startMs = clock.monotonic();
  let isAnswered = false;
  void cloud.answered.then(() => (isAnswered = true));

  const placeOf = ({ availabilityZone, region }: CloudInstance): Place => {
    const isKnown = availabilityZone !== '' && region !== '';
    const isAwaited = !isKnown && !isAnswered && clock.monotonic() - startMs < maxWaitMs;
    return { machineId, systemUuid, availabilityZone, region, isAwaited };
  };
  let { instance } = cloud;
  let resource = createResource(identity, instance);
  let place = placeOf(instance);
  let labels = constantLabels(place);
  return {
    begin() {
      if (cloud.instance !== instance) {
        ({ instance } = cloud);
        resource = createResource(identity, instance);
      }
      const now = placeOf(instance);
      if (!isDeepStrictEqual(now, place)) {
        place = now;
        labels = constantLabels(place);
      }
      return resource;
    },
    get instance() {
      return instance;
    },
    labels: (metric) => labels(metric),
  };
}
