import { bodyOf, withoutLastPart, type MetadataRequest, type Provider } from '../provider.ts';

const conf: MetadataRequest = {
  method: 'GET',
  url: 'http://169.254.42.42/conf',
  gives: '`instance_id`, `availability_zone`, `region`, `instance_type`, the host name',
};

/** Scaleway, "Metadata API": lines of `KEY=value`. */
export function scaleway(): Provider {
  return {
    requests: [conf],
    async read(ask) {
      const text = bodyOf(conf, await ask(conf));
      const valueOf = (key: string): string =>
        new RegExp(`^${key}=(['"]?)(.*)\\1\\r?$`, 'm').exec(text)?.[2] ?? '';
      const zone = valueOf('ZONE');
      return {
        fields: {
          instanceId: valueOf('ID'),
          availabilityZone: zone,
          region: withoutLastPart(zone),
          instanceType: valueOf('COMMERCIAL_TYPE'),
          hostName: valueOf('HOSTNAME'),
        },
      };
    },
  };
}
