import { at, objectOf, type MetadataRequest, type Notice, type Provider } from '../provider.ts';

const service = 'http://169.254.169.254/metadata';
const instance: MetadataRequest = {
  method: 'GET',
  url: `${service}/instance?format=json&api-version=2021-05-01`,
  headers: { Metadata: 'True' },
  gives:
    '`account_id`, `instance_id`, `instance_type`, `region`, `availability_zone`, `local_ipv4`, `public_ipv4`, the host name',
};
const events: MetadataRequest = {
  method: 'GET',
  url: `${service}/scheduledevents?api-version=2020-07-01`,
  headers: { Metadata: 'True' },
  gives: 'what is scheduled for the machine; the first question switches scheduled events on for it',
};

const types: Readonly<Record<string, Notice['type']>> = {
  Preempt: 'preempt',
  Terminate: 'terminate',
  Reboot: 'reboot',
  Redeploy: 'redeploy',
  Freeze: 'freeze',
};
/** Of a list that is far shorter. */
const mostEvents = 100;

/** Microsoft Azure, "Azure Instance Metadata Service" and "Scheduled Events for Linux VMs". */
export function azure(): Provider {
  /** Events are for all machines of a scale set or availability set, by this name. */
  let name: unknown;
  return {
    requests: [instance],
    async read(ask) {
      const document = objectOf(instance, await ask(instance));
      const compute = (key: string): unknown => at(document, 'compute', key);
      const ipv4 = at(document, 'network', 'interface', 0, 'ipv4', 'ipAddress', 0);
      name = compute('name');
      return {
        fields: {
          accountId: compute('subscriptionId'),
          instanceId: compute('vmId'),
          instanceType: compute('vmSize'),
          region: compute('location'),
          availabilityZone: compute('zone'),
          localIpv4: at(ipv4, 'privateIpAddress'),
          publicIpv4: at(ipv4, 'publicIpAddress'),
          hostName: at(compute('osProfile'), 'computerName'),
        },
        isRevocable: compute('priority') === 'Spot' || compute('priority') === 'Low',
      };
    },
    notices: {
      requests: [events],
      async read(ask) {
        const list = at(objectOf(events, await ask(events)), 'Events');
        return (Array.isArray(list) ? list : [])
          .slice(0, mostEvents)
          .flatMap((event) => noticeOf(event, name));
      },
    },
  };
}

function noticeOf(event: unknown, name: unknown): Notice[] {
  const [eventType, notBefore, resources] = ['EventType', 'NotBefore', 'Resources'].map((key) =>
    at(event, key),
  );
  const type =
    typeof eventType === 'string' && Object.hasOwn(types, eventType) ? types[eventType] : undefined;
  if (type === undefined || !Array.isArray(resources) || !resources.includes(name)) return [];
  // Empty once it has begun.
  return [{ type, atMs: Date.parse(String(notBefore)) }];
}
