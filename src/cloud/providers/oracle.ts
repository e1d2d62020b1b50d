import { objectOf, type MetadataRequest, type Provider } from '../provider.ts';

const instance: MetadataRequest = {
  method: 'GET',
  url: 'http://169.254.169.254/opc/v2/instance/',
  headers: { Authorization: 'Bearer Oracle' },
  gives: '`instance_id`, `instance_type`, `region`, `availability_zone`, the host name',
};

/** Oracle Cloud Infrastructure, "Getting Instance Metadata", version 2, whose constant header is no secret. */
export function oracle(): Provider {
  return {
    requests: [instance],
    async read(ask) {
      const document = objectOf(instance, await ask(instance));
      const region = document['canonicalRegionName'];
      const [, domain] = /-AD-(\d{1,3})$/.exec(String(document['availabilityDomain'])) ?? [];
      return {
        fields: {
          instanceId: document['id'],
          instanceType: document['shape'],
          region,
          // `EMIr:PHX-AD-1`: what is before it is another for every account.
          availabilityZone:
            typeof region === 'string' && domain !== undefined ? `${region}-ad-${domain}` : '',
          hostName: document['hostname'],
        },
      };
    },
  };
}
