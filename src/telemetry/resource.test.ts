import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { createResource, instanceOf } from './resource.ts';

const identity = {
  version: '1.2.3',
  hostName: 'node-1',
  machineId: '0123456789abcdef0123456789abcdef',
  systemUuid: '4C4C4544-0000-1111-2222-333344445555',
};

afterEach(() => {
  delete process.env['OTEL_RESOURCE_ATTRIBUTES'];
  delete process.env['OTEL_SERVICE_NAME'];
});

test('the instance is the machine id unless the firmware names another one', () => {
  // printf 0123456789abcdef0123456789abcdef4C4C4544000011112222333344445555 | md5sum
  assert.equal(instanceOf(identity), '32c5e41963e422be323249a9ed728b20');
  assert.equal(instanceOf({ ...identity, systemUuid: '' }), identity.machineId);
  const same = '01234567-89ab-cdef-0123-456789abcdef';
  assert.equal(instanceOf({ ...identity, systemUuid: same }), identity.machineId);
});

test('the resource says who runs where', () => {
  const { attributes } = createResource(identity);
  assert.equal(attributes['service.name'], 'otel-node-agent');
  assert.equal(attributes['service.version'], '1.2.3');
  assert.equal(attributes['service.instance.id'], instanceOf(identity));
  assert.equal(attributes['host.name'], 'node-1');
  assert.equal(attributes['host.id'], identity.machineId);
  const unknown = createResource({ version: '1', hostName: '', machineId: '', systemUuid: '' }).attributes;
  assert.equal('host.id' in unknown || 'service.instance.id' in unknown, false);
  const bare = createResource({ version: '1', hostName: 'node-1', machineId: '', systemUuid: '' }).attributes;
  assert.equal(bare['service.instance.id'], 'node-1');
});

test('what the cloud tells is said by the semantic conventions', () => {
  const instance = {
    provider: 'AWS',
    accountId: '123456789012',
    instanceId: 'i-0abc',
    instanceType: 'm5.large',
    region: 'eu-west-1',
    availabilityZone: 'eu-west-1a',
    hostName: 'ip-10-0-0-1',
  };
  const { attributes } = createResource(identity, instance);
  const told = Object.fromEntries(
    Object.entries(attributes).filter(([name]) => /^(cloud|host)\./.test(name)),
  );
  assert.deepEqual(told, {
    'cloud.provider': 'aws',
    'cloud.account.id': '123456789012',
    'cloud.region': 'eu-west-1',
    'cloud.availability_zone': 'eu-west-1a',
    'host.id': 'i-0abc',
    'host.type': 'm5.large',
    'host.name': 'node-1',
  });
  assert.equal(attributes['service.instance.id'], instanceOf(identity), 'who it is does not change');
  assert.equal(
    createResource({ ...identity, hostName: '' }, instance).attributes['host.name'],
    'ip-10-0-0-1',
  );
  const names = Object.keys(createResource(identity, { provider: '', instanceId: '' }).attributes);
  assert.deepEqual(
    names.filter((name) => name.startsWith('cloud.')),
    [],
  );
});

test('providers have the values that the semantic conventions list', () => {
  const values = {
    AWS: 'aws',
    GCP: 'gcp',
    Azure: 'azure',
    Hetzner: 'hetzner',
    DigitalOcean: 'digitalocean',
    Alibaba: 'alibaba_cloud',
    Scaleway: 'scaleway_cloud',
    IBM: 'ibm_cloud',
    Oracle: 'oracle_cloud',
    constructor: 'constructor',
    none: undefined,
  };
  for (const [provider, value] of Object.entries(values))
    assert.equal(createResource(identity, { provider }).attributes['cloud.provider'], value);
});

test('the environment wins', () => {
  process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'service.name=a,host.name=h,team=t';
  let { attributes } = createResource(identity);
  assert.deepEqual(
    [attributes['service.name'], attributes['host.name'], attributes['team']],
    ['a', 'h', 't'],
  );
  process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'cloud.region=mine,host.id=h';
  const instance = { region: 'eu-west-1', instanceId: 'i-1' };
  ({ attributes } = createResource(identity, instance));
  assert.deepEqual([attributes['cloud.region'], attributes['host.id']], ['mine', 'h']);
  process.env['OTEL_SERVICE_NAME'] = 'b';
  ({ attributes } = createResource(identity));
  assert.equal(attributes['service.name'], 'b');
});
