import { bodyOf, type MetadataRequest, type Provider } from '../provider.ts';

const get = (key: string, gives: string): MetadataRequest => ({
  method: 'GET',
  url: `http://100.100.100.200/latest/meta-data/${key}`,
  gives,
});
const keys = {
  instanceId: get('instance-id', '`instance_id`'),
  region: get('region-id', '`region`'),
  availabilityZone: get('zone-id', '`availability_zone`'),
  accountId: get('owner-account-id', '`account_id`'),
  instanceType: get('instance/instance-type', '`instance_type`'),
  localIpv4: get('private-ipv4', '`local_ipv4`'),
};

/** Alibaba Cloud ECS, "Instance metadata". */
export function alibaba(): Provider {
  return {
    requests: Object.values(keys),
    async read(ask) {
      const fields: Record<string, string> = {};
      for (const [field, request] of Object.entries(keys))
        fields[field] = bodyOf(request, await ask(request));
      return { fields };
    },
  };
}
