import {
  at,
  bodyOf,
  objectOf,
  type Ask,
  type MetadataRequest,
  type Notice,
  type Provider,
} from '../provider.ts';
import { withToken } from '../token.ts';

const service = 'http://169.254.169.254/latest';
const token: MetadataRequest = {
  method: 'PUT',
  url: `${service}/api/token`,
  headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '21600' },
  gives: 'a token for what follows',
};
const get = (key: string, gives: string): MetadataRequest => ({
  method: 'GET',
  url: `${service}/meta-data/${key}`,
  gives,
});
const keys = {
  instanceId: get('instance-id', '`instance_id`'),
  instanceLifeCycle: get('instance-life-cycle', '`instance_life_cycle`'),
  instanceType: get('instance-type', '`instance_type`'),
  region: get('placement/region', '`region`'),
  availabilityZone: get('placement/availability-zone', '`availability_zone`'),
  availabilityZoneId: get('placement/availability-zone-id', '`availability_zone_id`'),
  localIpv4: get('local-ipv4', '`local_ipv4`'),
  publicIpv4: get('public-ipv4', '`public_ipv4`'),
};
const identity = get('identity-credentials/ec2/info', '`account_id`; there are no credentials in it');
const action = get('spot/instance-action', 'when a spot instance is taken away');
const rebalance = get('events/recommendations/rebalance', 'whether that becomes likely');

/** Amazon EC2, "Instance metadata and user data", IMDSv2. */
export function aws(): Provider {
  const tokens = withToken(
    token,
    ({ body }) => body.trim(),
    (value) => ({ 'X-aws-ec2-metadata-token': value }),
  );
  return {
    requests: [token, ...Object.values(keys), identity],
    async read(ask) {
      const asked = tokens(ask);
      const fields: Record<string, unknown> = {};
      for (const [field, request] of Object.entries(keys))
        fields[field] = bodyOf(request, await asked(request));
      const answer = await asked(identity);
      if (answer.status !== 404) fields['accountId'] = objectOf(identity, answer)['AccountId'];
      return { fields };
    },
    notices: {
      requests: [token, action, rebalance],
      async read(ask) {
        const asked = tokens(ask);
        // {"action": "terminate", "time": "2017-09-18T08:22:00Z"}
        const interruption = await noticeOf(asked, action, 'spot_interruption', 'time');
        try {
          // {"noticeTime": "2020-10-27T08:22:00Z"}: when it was said, not when it will be.
          return [...interruption, ...(await noticeOf(asked, rebalance, 'rebalance_recommendation'))];
        } catch (error) {
          // What is likely does not count any more where it is certain.
          if (interruption.length > 0) return interruption;
          throw error;
        }
      },
    },
  };
}

async function noticeOf(
  asked: Ask,
  request: MetadataRequest,
  type: Notice['type'],
  timeKey?: string,
): Promise<Notice[]> {
  const answer = await asked(request);
  if (answer.status === 404) return [];
  const object = objectOf(request, answer);
  const time = timeKey === undefined ? undefined : at(object, timeKey);
  return [typeof time === 'string' ? { type, atMs: Date.parse(time) } : { type }];
}
