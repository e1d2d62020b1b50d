import { parse } from 'yaml';
import { AgentError, messageOf } from '../../errors.ts';
import { at, bodyOf, type MetadataRequest, type Provider } from '../provider.ts';

const metadata: MetadataRequest = {
  method: 'GET',
  url: 'http://169.254.169.254/hetzner/v1/metadata',
  gives: '`instance_id`, `region`, `availability_zone`, `local_ipv4`, `public_ipv4`, the host name',
};

/** Hetzner Cloud API, "Server Metadata". */
export function hetzner(): Provider {
  return {
    requests: [metadata],
    async read(ask) {
      const document = documentOf(bodyOf(metadata, await ask(metadata)));
      return {
        fields: {
          instanceId: at(document, 'instance-id'),
          region: at(document, 'region'),
          availabilityZone: at(document, 'availability-zone'),
          localIpv4: at(document, 'local-ipv4'),
          publicIpv4: at(document, 'public-ipv4'),
          hostName: at(document, 'hostname'),
        },
      };
    },
  };
}

const names = ['instance-id', 'region', 'availability-zone', 'local-ipv4', 'public-ipv4', 'hostname'];
/** Of a line: longer than any value that is taken. */
const mostCharacters = 400;

/**
 * What is wanted stands in lines of its own, `name: scalar`. Nothing else is given to the parser, user data least of all: neither
 * anchors nor depth nor length can cost anything. Numbers stay as they are written.
 */
function documentOf(text: string): unknown {
  const lines = names.map((name) => new RegExp(`^${name}:.{0,${mostCharacters}}`, 'm').exec(text)?.[0] ?? '');
  try {
    return parse(lines.join('\n'), { schema: 'failsafe', maxAliasCount: 0, logLevel: 'error' });
  } catch (cause) {
    throw new AgentError('EBADMSG', `GET ${metadata.url}: ${messageOf(cause).split('\n')[0]}`, { cause });
  }
}
