import { bodyOf, type MetadataRequest, type Provider } from '../provider.ts';

const get = (key: string, gives: string): MetadataRequest => ({
  method: 'GET',
  url: `http://169.254.169.254/metadata/v1/${key}`,
  gives,
});
const id = get('id', '`instance_id`');
const region = get('region', '`region`, `availability_zone`');

/** DigitalOcean, "Droplet Metadata API". A region is its own zone. */
export function digitalOcean(): Provider {
  return {
    requests: [id, region],
    async read(ask) {
      const instanceId = bodyOf(id, await ask(id));
      const place = bodyOf(region, await ask(region));
      return { fields: { instanceId, region: place, availabilityZone: place } };
    },
  };
}
