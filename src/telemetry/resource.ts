import { createHash } from 'node:crypto';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
  type Resource,
} from '@opentelemetry/resources';

export const serviceName = 'otel-node-agent';

/** Who runs where. Texts that are not known are empty. */
export interface NodeIdentity {
  readonly version: string;
  readonly hostName: string;
  /** Without dashes. */
  readonly machineId: string;
  /** As the firmware says it, dashes kept. */
  readonly systemUuid: string;
}

/**
 * Resource of everything that is pushed. `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` win, in the order of the
 * OpenTelemetry resource specification.
 */
export function createResource(identity: NodeIdentity): Resource {
  const { version, hostName, machineId } = identity;
  const own = resourceFromAttributes({
    'service.name': serviceName,
    'service.version': version,
    // A machine without any id still needs one, or all such machines are one series behind a Collector.
    ...present('service.instance.id', instanceOf(identity) || hostName),
    ...present('host.name', hostName),
    ...present('host.id', machineId),
  });
  const said = detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] });
  return defaultResource().merge(own).merge(said);
}

/**
 * The machine id; where the firmware names another one, MD5 of both in hexadecimal, because cloned machines share the
 * former.
 */
export function instanceOf({ machineId, systemUuid }: NodeIdentity): string {
  const uuid = systemUuid.replaceAll('-', '');
  if (uuid === '' || uuid === machineId) return machineId;
  return createHash('md5')
    .update(machineId + uuid)
    .digest('hex');
}

function present(name: string, value: string): Record<string, string> {
  return value === '' ? {} : { [name]: value };
}
