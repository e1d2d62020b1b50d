import { AgentError } from '../../errors.ts';
import { bodyOf, withoutLastPart, type Ask, type MetadataRequest, type Provider } from '../provider.ts';

const get = (key: string, gives: string): MetadataRequest => ({
  method: 'GET',
  url: `http://169.254.169.254/computeMetadata/v1/${key}`,
  headers: { 'Metadata-Flavor': 'Google' },
  gives,
});
const project = get('project/project-id', '`account_id`');
const id = get('instance/id', '`instance_id`');
const ip = get('instance/network-interfaces/0/ip', '`local_ipv4`');
const externalIp = get('instance/network-interfaces/0/access-configs/0/external-ip', '`public_ipv4`');
const preemptible = get('instance/scheduling/preemptible', '`instance_life_cycle`');
const machineType = get('instance/machine-type', '`instance_type`');
const zone = get('instance/zone', '`availability_zone`, `region`');
const preempted = get('instance/preempted', 'whether it is being taken away');

/** What a preempted machine has from the notice on: Compute Engine, "Preemptible VM instances". */
const preemptionMs = 30_000;

/** Google Cloud, "VM metadata". */
export function gcp(): Provider {
  return {
    requests: [project, id, ip, externalIp, preemptible, machineType, zone],
    async read(ask) {
      const accountId = await textOf(ask, project);
      if (accountId === '') throw new AgentError('EBADMSG', `GET ${project.url}: no project`);
      const availabilityZone = fourthPart(await textOf(ask, zone));
      const isPreemptible = (await textOf(ask, preemptible)).toLowerCase();
      return {
        fields: {
          accountId,
          availabilityZone,
          region: withoutLastPart(availabilityZone),
          instanceId: await textOf(ask, id),
          instanceType: fourthPart(await textOf(ask, machineType)),
          instanceLifeCycle: { true: 'preemptible', false: 'on-demand' }[isPreemptible],
          localIpv4: await textOf(ask, ip),
          publicIpv4: await textOf(ask, externalIp),
        },
      };
    },
    notices: {
      requests: [preempted],
      read: async (ask) =>
        (await textOf(ask, preempted)).toLowerCase() === 'true'
          ? [{ type: 'preemption', withinMs: preemptionMs }]
          : [],
    },
  };
}

/** Whoever else has the address does not say that he is Google: then it is no answer. */
async function textOf(ask: Ask, request: MetadataRequest): Promise<string> {
  const answer = await ask(request);
  if (answer.headers['metadata-flavor'] !== 'Google')
    throw new AgentError('EBADMSG', `GET ${request.url}: not answered by Google`);
  return bodyOf(request, answer);
}

/** `projects/123/zones/us-central1-a` -> `us-central1-a`. */
function fourthPart(path: string): string {
  return path.split('/')[3] ?? '';
}
