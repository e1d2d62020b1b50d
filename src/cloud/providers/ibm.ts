import { messageOf, AgentError } from '../../errors.ts';
import { at, objectOf, withoutLastPart, type MetadataRequest, type Provider } from '../provider.ts';
import { withToken } from '../token.ts';

const version = 'version=2025-04-22';

/** The service of a machine speaks http or https, as was chosen when it was made. */
const ways = (['http', 'https'] as const).map((scheme) => {
  const service = `${scheme}://api.metadata.cloud.ibm.com`;
  const token: MetadataRequest = {
    method: 'PUT',
    url: `${service}/instance_identity/v1/token?${version}`,
    headers: { 'Metadata-Flavor': 'ibm', 'Content-Type': 'application/json' },
    body: '{"expires_in":300}',
    gives: 'a token for what follows',
  };
  const instance: MetadataRequest = {
    method: 'GET',
    url: `${service}/metadata/v1/instance?${version}`,
    gives: '`instance_id`, `instance_type`, `availability_zone`, `region`, the host name',
  };
  return { token, instance };
});

/** IBM Cloud VPC, "Instance metadata service". */
export function ibm(): Provider {
  return {
    requests: ways.flatMap(({ token, instance }) => [token, instance]),
    async read(ask) {
      const failures: string[] = [];
      for (const { token, instance } of ways) {
        const tokens = withToken(
          token,
          (answer) => objectOf(token, answer)['access_token'],
          (value) => ({ Authorization: `Bearer ${value}` }),
        );
        try {
          const document = objectOf(instance, await tokens(ask)(instance));
          const zone = at(document, 'zone', 'name');
          return {
            fields: {
              instanceId: document['id'],
              instanceType: at(document, 'profile', 'name'),
              availabilityZone: zone,
              region: typeof zone === 'string' ? withoutLastPart(zone) : '',
              hostName: document['name'],
            },
          };
        } catch (error) {
          failures.push(messageOf(error));
        }
      }
      throw new AgentError('HTTP', failures.join('; '));
    },
  };
}
