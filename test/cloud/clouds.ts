/** Nine machines as the clouds' own documentation shows them, and by hand what is to be told of each. */
import type { CloudInstance } from '../../src/model/cloud.ts';
import type { Reply } from './server.ts';

export interface Example {
  /** Below sysfs. */
  readonly files: Readonly<Record<string, string>>;
  readonly routes: Readonly<Record<string, Reply | readonly Reply[]>>;
  readonly instance: Partial<CloudInstance>;
  /** All that may be asked, in this order. */
  readonly asked: readonly string[];
}

const local = 'http://169.254.169.254';
const textRoutes = (
  prefix: string,
  bodies: Readonly<Record<string, string>>,
  reply: Reply = {},
): Example['routes'] =>
  Object.fromEntries(
    Object.entries(bodies).map(([key, body]) => [`GET ${prefix}${key}`, { ...reply, body }]),
  );

export const awsToken = 'AQAEAHBIXGAQ7JyZ-example==';
const withToken = { needs: { 'x-aws-ec2-metadata-token': awsToken } };
export const awsRoutes: Readonly<Record<string, Reply>> = {
  [`PUT ${local}/latest/api/token`]: {
    needs: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' },
    body: awsToken,
  },
  ...textRoutes(
    `${local}/latest/meta-data/`,
    {
      'instance-id': 'i-1234567890abcdef0',
      'instance-life-cycle': 'on-demand',
      'instance-type': 't3.medium',
      'placement/region': 'us-east-1',
      'placement/availability-zone': 'us-east-1a',
      'placement/availability-zone-id': 'use1-az4',
      'local-ipv4': '172.31.32.5',
      'public-ipv4': '203.0.113.25',
      'identity-credentials/ec2/info':
        '{\n  "Code" : "Success",\n  "LastUpdated" : "2026-10-02T09:12:33Z",\n  "AccountId" : "123456789012"\n}',
    },
    withToken,
  ),
};

const google: Reply = { needs: { 'metadata-flavor': 'Google' }, headers: { 'Metadata-Flavor': 'Google' } };
const azureDocument = {
  compute: {
    azEnvironment: 'AzurePublicCloud',
    location: 'westeurope',
    name: 'examplevmname',
    osProfile: { adminUsername: 'admin', computerName: 'examplevm' },
    priority: 'Regular',
    subscriptionId: '8d10da13-8125-4ba9-a717-bf7490507b3d',
    vmId: '02aab8a4-74ef-476e-8182-f6d2ba4166a6',
    vmSize: 'Standard_A3',
    zone: '2',
  },
  network: {
    interface: [
      {
        ipv4: {
          ipAddress: [
            { privateIpAddress: '10.144.133.132', publicIpAddress: '198.51.100.7' },
            { privateIpAddress: '10.144.133.133', publicIpAddress: '' },
          ],
          subnet: [{ address: '10.144.133.128', prefix: '26' }],
        },
        ipv6: { ipAddress: [] },
        macAddress: '0011AAFFBB22',
      },
    ],
  },
};
export const azureInstance = `GET ${local}/metadata/instance?format=json&api-version=2021-05-01`;
export const azureReply = (priority: string): Reply => ({
  needs: { metadata: 'True' },
  body: JSON.stringify({ ...azureDocument, compute: { ...azureDocument.compute, priority } }),
});

const ibmToken = 'eyJraWQiOiJ-example';
/** `way`: how the service is reached. */
export const ibmRoutes = (way: string): Example['routes'] => ({
  [`PUT ${way}/instance_identity/v1/token?version=2025-04-22`]: {
    needs: { 'metadata-flavor': 'ibm' },
    body: JSON.stringify({ access_token: ibmToken, created_at: '2026-03-01T10:00:00.000Z', expires_in: 300 }),
  },
  [`GET ${way}/metadata/v1/instance?version=2025-04-22`]: {
    needs: { authorization: `Bearer ${ibmToken}` },
    body: JSON.stringify({
      bandwidth: 4000,
      crn: 'crn:v1:bluemix:public:is:us-south-1:a/123456::instance:0717_1e09281b',
      id: '0717_1e09281b-f177-46fb-baf1-bc152b2e391a',
      image: { name: 'ibm-ubuntu-24-04' },
      name: 'my-instance',
      profile: { name: 'bx2-4x16', resource_type: 'instance_profile' },
      vcpu: { architecture: 'amd64', count: 4 },
      zone: { name: 'us-south-1' },
    }),
  },
});

export const examples: Readonly<Record<string, Example>> = {
  AWS: {
    files: { 'class/dmi/id/board_vendor': 'Amazon EC2' },
    routes: awsRoutes,
    instance: {
      accountId: '123456789012',
      instanceId: 'i-1234567890abcdef0',
      instanceType: 't3.medium',
      instanceLifeCycle: 'on-demand',
      region: 'us-east-1',
      availabilityZone: 'us-east-1a',
      availabilityZoneId: 'use1-az4',
      localIpv4: '172.31.32.5',
      publicIpv4: '203.0.113.25',
    },
    asked: Object.keys(awsRoutes),
  },
  GCP: {
    files: { 'class/dmi/id/board_vendor': 'Google', 'class/dmi/id/product_name': 'Google Compute Engine' },
    routes: textRoutes(
      `${local}/computeMetadata/v1/`,
      {
        'project/project-id': 'my-project-42',
        'instance/zone': 'projects/123456789012/zones/us-central1-a',
        'instance/scheduling/preemptible': 'FALSE',
        'instance/id': '5345893422117345678',
        'instance/machine-type': 'projects/123456789012/machineTypes/n1-standard-1',
        'instance/network-interfaces/0/ip': '10.128.0.15',
        'instance/network-interfaces/0/access-configs/0/external-ip': '203.0.113.60',
      },
      google,
    ),
    instance: {
      accountId: 'my-project-42',
      instanceId: '5345893422117345678',
      instanceType: 'n1-standard-1',
      instanceLifeCycle: 'on-demand',
      region: 'us-central1',
      availabilityZone: 'us-central1-a',
      localIpv4: '10.128.0.15',
      publicIpv4: '203.0.113.60',
    },
    asked: [
      'project/project-id',
      'instance/zone',
      'instance/scheduling/preemptible',
      'instance/id',
      'instance/machine-type',
      'instance/network-interfaces/0/ip',
      'instance/network-interfaces/0/access-configs/0/external-ip',
    ].map((key) => `GET ${local}/computeMetadata/v1/${key}`),
  },
  Azure: {
    files: {
      'class/dmi/id/board_vendor': 'Microsoft Corporation',
      'class/dmi/id/chassis_asset_tag': '7783-7084-3265-9085-8269-3286-77',
    },
    routes: { [azureInstance]: azureReply('Regular') },
    instance: {
      accountId: '8d10da13-8125-4ba9-a717-bf7490507b3d',
      instanceId: '02aab8a4-74ef-476e-8182-f6d2ba4166a6',
      instanceType: 'Standard_A3',
      region: 'westeurope',
      availabilityZone: '2',
      localIpv4: '10.144.133.132',
      publicIpv4: '198.51.100.7',
      hostName: 'examplevm',
    },
    asked: [azureInstance],
  },
  Hetzner: {
    files: { 'class/dmi/id/sys_vendor': 'Hetzner' },
    routes: {
      [`GET ${local}/hetzner/v1/metadata`]: {
        body: [
          'availability-zone: hel1-dc2',
          'hostname: my-server',
          'instance-id: 42',
          "local-ipv4: ''",
          'network-config:',
          '  config:',
          '  - mac_address: 96:00:00:00:00:01',
          '    name: eth0',
          'public-ipv4: 198.51.100.10',
          'public-keys: []',
          'region: eu-central',
          'vendor_data: "Content-Type: multipart/mixed\\n"',
          '',
        ].join('\n'),
      },
    },
    instance: {
      instanceId: '42',
      region: 'eu-central',
      availabilityZone: 'hel1-dc2',
      publicIpv4: '198.51.100.10',
      hostName: 'my-server',
    },
    asked: [`GET ${local}/hetzner/v1/metadata`],
  },
  DigitalOcean: {
    files: { 'class/dmi/id/board_vendor': 'DigitalOcean' },
    routes: textRoutes(`${local}/metadata/v1/`, { id: '2756294', region: 'nyc3' }),
    instance: { instanceId: '2756294', region: 'nyc3', availabilityZone: 'nyc3' },
    asked: [`GET ${local}/metadata/v1/id`, `GET ${local}/metadata/v1/region`],
  },
  Alibaba: {
    files: { 'class/dmi/id/sys_vendor': 'Alibaba Cloud' },
    routes: textRoutes('http://100.100.100.200/latest/meta-data/', {
      'instance-id': 'i-bp13znx0m0me8cquu4ab',
      'region-id': 'cn-hangzhou',
      'zone-id': 'cn-hangzhou-i',
      'owner-account-id': '1609628664625421',
      'instance/instance-type': 'ecs.g6e.large',
      'private-ipv4': '172.16.0.9',
    }),
    instance: {
      accountId: '1609628664625421',
      instanceId: 'i-bp13znx0m0me8cquu4ab',
      instanceType: 'ecs.g6e.large',
      region: 'cn-hangzhou',
      availabilityZone: 'cn-hangzhou-i',
      localIpv4: '172.16.0.9',
    },
    asked: [
      'instance-id',
      'region-id',
      'zone-id',
      'owner-account-id',
      'instance/instance-type',
      'private-ipv4',
    ].map((key) => `GET http://100.100.100.200/latest/meta-data/${key}`),
  },
  Scaleway: {
    files: { 'class/dmi/id/sys_vendor': 'Scaleway' },
    routes: {
      'GET http://169.254.42.42/conf': {
        body: [
          'ID=11111111-1111-1111-1111-111111111111',
          'NAME=scw-example',
          'COMMERCIAL_TYPE=DEV1-S',
          'HOSTNAME=scw-example',
          "TAGS='0'",
          'ORGANIZATION=22222222-2222-2222-2222-222222222222',
          "LOCATION='ZONE_ID PLATFORM_ID'",
          'LOCATION_ZONE_ID=par1',
          'ZONE=fr-par-1',
          '',
        ].join('\n'),
      },
    },
    instance: {
      instanceId: '11111111-1111-1111-1111-111111111111',
      instanceType: 'DEV1-S',
      region: 'fr-par',
      availabilityZone: 'fr-par-1',
      hostName: 'scw-example',
    },
    asked: ['GET http://169.254.42.42/conf'],
  },
  IBM: {
    files: { 'class/dmi/id/chassis_vendor': 'IBM:Cloud Compute Server 1.0:bx2-4x16' },
    routes: ibmRoutes(local),
    instance: {
      instanceId: '0717_1e09281b-f177-46fb-baf1-bc152b2e391a',
      instanceType: 'bx2-4x16',
      region: 'us-south',
      availabilityZone: 'us-south-1',
      hostName: 'my-instance',
    },
    asked: [
      'DNS',
      `PUT ${local}/instance_identity/v1/token?version=2025-04-22`,
      'DNS',
      `GET ${local}/metadata/v1/instance?version=2025-04-22`,
    ],
  },
  Oracle: {
    files: { 'class/dmi/id/chassis_asset_tag': 'OracleCloud.com' },
    routes: {
      [`GET ${local}/opc/v2/instance/`]: {
        needs: { authorization: 'Bearer Oracle' },
        body: JSON.stringify({
          availabilityDomain: 'EMIr:PHX-AD-1',
          canonicalRegionName: 'us-phoenix-1',
          compartmentId: 'ocid1.tenancy.oc1..exampleuniqueID',
          displayName: 'my-example-instance',
          hostname: 'my-hostname',
          id: 'ocid1.instance.oc1.phx.exampleuniqueID',
          ociAdName: 'phx-ad-1',
          region: 'phx',
          shape: 'VM.Standard.E3.Flex',
        }),
      },
    },
    instance: {
      instanceId: 'ocid1.instance.oc1.phx.exampleuniqueID',
      instanceType: 'VM.Standard.E3.Flex',
      region: 'us-phoenix-1',
      availabilityZone: 'us-phoenix-1-ad-1',
      hostName: 'my-hostname',
    },
    asked: [`GET ${local}/opc/v2/instance/`],
  },
};
