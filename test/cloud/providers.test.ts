/** All nine clouds: what is told of the machine, what was asked for it, and what nobody was asked. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { examples, ibmRoutes } from './clouds.ts';
import { CloudMachine, plain, skip, until } from './machine.ts';
import { packets } from './network.ts';

const nothing = {
  ...plain,
  ...{ accountId: '', instanceId: '', availabilityZoneId: '', localIpv4: '', publicIpv4: '', hostName: '' },
};
const dns = '169.254.169.254';
let machine: CloudMachine;
before(async () => {
  if (!skip) machine = await CloudMachine.start();
});
after(async () => machine?.end());

// First: nothing that was asked before is still on its way.
test('on a machine without a cloud not a packet leaves', { skip }, async (t) => {
  await machine.serve({ routes: examples['AWS']!.routes });
  const before = packets();
  const machines = [
    {},
    { 'class/dmi/id/board_vendor': 'Dell Inc.', 'class/dmi/id/sys_vendor': 'Dell Inc.' },
    { 'class/dmi/id/sys_vendor': 'QEMU', 'class/dmi/id/chassis_asset_tag': '' },
    // Hyper-V, and a laptop.
    { 'class/dmi/id/board_vendor': 'Microsoft Corporation', 'class/dmi/id/chassis_asset_tag': '0123-4567' },
    { 'class/dmi/id/board_vendor': 'Google', 'class/dmi/id/product_name': 'Eve' },
    { 'hypervisor/uuid': '00000000-0000-0000-0000-000000000000' },
  ];
  for (const files of machines) {
    const cloud = machine.cloud(t, files, { cloud: { ...plain, provider: 'aws', region: 'here' } });
    await cloud.answered;
    assert.deepEqual(cloud.instance, { ...nothing, provider: 'aws', region: 'here' });
  }
  const features = machine.features;
  const unwanted = machine.cloud(t, examples['AWS']!.files, { cloud: { ...plain, provider: 'none' } });
  await unwanted.answered;
  assert.equal(unwanted.instance.provider, 'none');
  assert.deepEqual(features.get('cloud'), { enabled: false, reason: 'not_wanted' });
  await sleep(1500);
  assert.equal(packets(), before);
  assert.deepEqual(machine.requests(), []);
  await machine.cloud(t, examples['AWS']!.files).answered;
  assert.ok(packets() > before, 'packets are counted');
  assert.deepEqual(machine.problems, []);
});

for (const [provider, { files, routes, instance, asked }] of Object.entries(examples))
  test(`${provider}: every field, and nothing asked but what is listed`, { skip }, async (t) => {
    await machine.serve({ routes, dns });
    const cloud = machine.cloud(t, files);
    assert.deepEqual(cloud.instance, { ...nothing, provider }, 'known by files alone');
    await cloud.answered;
    assert.deepEqual(cloud.instance, { ...nothing, ...instance, provider });
    assert.deepEqual(machine.requests(), asked);
    for (const { headers, request } of machine.asked)
      if (request !== 'DNS')
        assert.equal(
          headers['host'],
          provider === 'IBM' ? 'api.metadata.cloud.ibm.com' : /\/\/([\d.]+)/.exec(request)![1],
        );
    assert.deepEqual(machine.problems, []);
    assert.deepEqual(machine.features.get('cloud'), { enabled: true, reason: '' });
  });

test('the old sign of AWS: a hypervisor with its name', { skip }, async (t) => {
  const { routes, instance } = examples['AWS']!;
  await machine.serve({ routes });
  const cloud = machine.cloud(t, { 'hypervisor/uuid': 'ec2e1916-9099-7caf-fd21-012345abcdef' });
  await cloud.answered;
  assert.equal(cloud.instance.instanceId, instance.instanceId);
});

const skipTls = skip || (spawnSync('openssl', ['version']).status !== 0 && 'needs openssl');
test('IBM by https, where the machine has no http', { skip: skipTls }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cloud-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-keyout', key!, '-out', cert!, '-subj', '/CN=api.metadata.cloud.ibm.com'],
      ...['-addext', 'subjectAltName=DNS:api.metadata.cloud.ibm.com'],
    ],
    { stdio: 'ignore' },
  );
  const tls = { key: readFileSync(key!, 'utf8'), cert: readFileSync(cert!, 'utf8') };
  const { files, instance } = examples['IBM']!;
  await machine.serve({ routes: ibmRoutes('https://169.254.169.254'), dns, tls });
  const cloud = machine.cloud(t, files, { ca: tls.cert });
  await cloud.answered;
  assert.deepEqual(cloud.instance, { ...nothing, ...instance, provider: 'IBM' });
  const stranger = machine.cloud(t, files);
  await until('a problem', () => machine.problems.length > 0);
  assert.match(machine.problems[0]!, /self-signed/);
  assert.equal(stranger.instance.instanceId, '', 'whom nobody vouches for tells nothing');
});

test('options override field by field, and never whom is asked', { skip }, async (t) => {
  const { files, routes, instance, asked } = examples['AWS']!;
  await machine.serve({ routes });
  const cloud = machine.cloud(t, files, {
    cloud: { ...plain, provider: 'mine', availabilityZone: 'rack-7' },
  });
  assert.deepEqual(cloud.instance, { ...nothing, provider: 'mine', availabilityZone: 'rack-7' });
  await cloud.answered;
  assert.deepEqual(cloud.instance, { ...nothing, ...instance, provider: 'mine', availabilityZone: 'rack-7' });
  assert.deepEqual(machine.requests(), asked);
});

test('a hop limit of 1: answered in the host, lost on the way to the agent', { skip }, async (t) => {
  const { files, routes, instance } = examples['AWS']!;
  await machine.serve({ routes });
  const lost = machine.cloud(t, files, { view: machine.view(files, 'pod') });
  const found = machine.cloud(t, files);
  await found.answered;
  assert.equal(found.instance.instanceId, instance.instanceId);
  await until('no answer', () => machine.problems.length > 0);
  assert.match(machine.problems.join(), /ETIMEDOUT|no answer within 5 s/);
  assert.equal(lost.instance.instanceId, '');
  lost.close();
  t.after(() => machine.hopLimit(1));
  machine.hopLimit(2);
  const arrived = machine.cloud(t, files, { view: machine.view(files, 'pod') });
  await arrived.answered;
  assert.equal(arrived.instance.instanceId, instance.instanceId, 'nothing else is in the way');
});

test('what an instance does not have is not there, and no failure', { skip }, async (t) => {
  const { files, routes, instance } = examples['AWS']!;
  const { 'GET http://169.254.169.254/latest/meta-data/public-ipv4': without, ...rest } = routes;
  assert.ok(without);
  await machine.serve({ routes: rest });
  const cloud = machine.cloud(t, files);
  await cloud.answered;
  assert.deepEqual(cloud.instance, { ...nothing, ...instance, publicIpv4: '', provider: 'AWS' });
  assert.deepEqual(machine.problems, []);
});

test('an answer that takes 3 s', { skip }, async (t) => {
  const { files, routes, instance } = examples['Oracle']!;
  await machine.serve({ routes, delayMs: 3000 });
  const began = performance.now();
  const cloud = machine.cloud(t, files);
  assert.equal(await Promise.race([cloud.answered, Promise.resolve('nobody waits')]), 'nobody waits');
  await cloud.answered;
  assert.ok(performance.now() - began >= 3000);
  assert.equal(cloud.instance.instanceId, instance.instanceId);
});
