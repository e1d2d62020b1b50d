import { createHash } from 'node:crypto';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
  type Resource,
} from '@opentelemetry/resources';
import type { CloudInstance } from '../model/cloud.ts';

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
 * OpenTelemetry resource specification. What the cloud tells is named by the semantic conventions of `cloud` and `host`;
 * the instance of the service stays the same with it and without it.
 */
export function createResource(identity: NodeIdentity, cloud: Partial<CloudInstance> = {}): Resource {
  const { version, hostName, machineId } = identity;
  const own = resourceFromAttributes({
    'service.name': serviceName,
    'service.version': version,
    // A machine without any id still needs one, or all such machines are one series behind a Collector.
    ...present('service.instance.id', instanceOf(identity) || hostName),
    ...present('host.name', hostName || cloud.hostName),
    // "For Cloud, this MUST be the instance_id assigned by the cloud provider."
    ...present('host.id', cloud.instanceId || machineId),
    ...present('host.type', cloud.instanceType),
    ...present('cloud.provider', providerOf(cloud.provider)),
    ...present('cloud.account.id', cloud.accountId),
    ...present('cloud.region', cloud.region),
    ...present('cloud.availability_zone', cloud.availabilityZone),
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

/** Values of `cloud.provider` that are not the provider's name in lower case. */
const providers = new Map([
  ['alibaba', 'alibaba_cloud'],
  ['ibm', 'ibm_cloud'],
  ['oracle', 'oracle_cloud'],
  ['scaleway', 'scaleway_cloud'],
  // What `--provider` says where nobody is to be asked.
  ['none', ''],
]);

/** As the semantic conventions list it; a provider that they do not know by its own name. */
function providerOf(provider = ''): string {
  const name = provider.toLowerCase();
  return providers.get(name) ?? name;
}

/** The attribute, or none where its value is not known. */
export function present(name: string, value = ''): Record<string, string> {
  return value === '' ? {} : { [name]: value };
}
