import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Features } from '../features.ts';
import { systemClock } from '../host/clock.ts';
import type { HostView } from '../host/view.ts';
import type { Addon } from '../native/addon.ts';
import { detect } from './detect.ts';
import { startCloud } from './start.ts';
import { check } from './values.ts';

/** A directory with these files, each with the end of line that the kernel puts. */
function folder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'cloud-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${content}\n`);
  }
  return root;
}

const board = 'class/dmi/id/board_vendor';
const system = 'class/dmi/id/sys_vendor';
const tag = 'class/dmi/id/chassis_asset_tag';
const chassis = 'class/dmi/id/chassis_vendor';
const product = 'class/dmi/id/product_name';
const azureTag = '7783-7084-3265-9085-8269-3286-77';
const signs: readonly (readonly [Readonly<Record<string, string>>, string | undefined])[] = [
  [{ 'hypervisor/uuid': 'ec2e1916-9099-7caf-fd21-012345abcdef' }, 'AWS'],
  [{ 'hypervisor/uuid': '1916ec2e-9099-7caf-fd21-012345abcdef' }, undefined],
  [{ [board]: 'Amazon EC2' }, 'AWS'],
  [{ [board]: 'Google' }, 'GCP'],
  [{ [board]: 'Google', [product]: 'Google Compute Engine' }, 'GCP'],
  [{ [board]: 'Google', [product]: 'Eve' }, undefined],
  [{ [board]: 'Google', [product]: '' }, undefined],
  [{ [board]: 'Microsoft Corporation' }, 'Azure'],
  [{ [board]: 'Microsoft Corporation', [tag]: azureTag }, 'Azure'],
  [{ [board]: 'Microsoft Corporation', [tag]: '1234' }, undefined],
  [{ [board]: 'Microsoft Corporation', [tag]: '' }, undefined],
  [{ [board]: 'DigitalOcean' }, 'DigitalOcean'],
  [{ [system]: 'Hetzner' }, 'Hetzner'],
  [{ [system]: 'Alibaba Cloud' }, 'Alibaba'],
  [{ [system]: 'Scaleway' }, 'Scaleway'],
  [{ [chassis]: 'IBM:Cloud Compute Server 1.0:bx2-4x16' }, 'IBM'],
  [{ [chassis]: 'IBM' }, undefined],
  [{ [tag]: 'OracleCloud.com' }, 'Oracle'],
  [{ [system]: 'Dell Inc.', [board]: 'Dell Inc.', [chassis]: 'Dell Inc.', [tag]: '' }, undefined],
  [{}, undefined],
];

test('the firmware says which cloud it is', (t) => {
  for (const [files, expected] of signs)
    assert.equal(detect({ sys: folder(t, files), root: '' }), expected, JSON.stringify(files));
});

test('the sysfs of the host does as well', (t) => {
  assert.equal(detect({ sys: '/nowhere', root: folder(t, { [`sys/${board}`]: 'Amazon EC2' }) }), 'AWS');
});

test('what may become a label', () => {
  const { fields, refused } = check({
    instanceId: 'ocid1.instance.oc1.phx.example',
    accountId: 'example.com:my-project',
    region: 'eu west',
    availabilityZone: '',
    instanceType: undefined,
    hostName: 7,
    instanceLifeCycle: 'x'.repeat(256),
    availabilityZoneId: 'x'.repeat(255),
    localIpv4: '::1',
    publicIpv4: '198.51.100.1',
  });
  assert.deepEqual(refused, ['region', 'hostName', 'instanceLifeCycle', 'localIpv4']);
  assert.deepEqual(fields, {
    instanceId: 'ocid1.instance.oc1.phx.example',
    accountId: 'example.com:my-project',
    availabilityZoneId: 'x'.repeat(255),
    publicIpv4: '198.51.100.1',
  });
  for (const end of ['\n', '\0', '\u007f', '<', '"', 'é'])
    assert.deepEqual(check({ region: `eu${end}` }), { fields: {}, refused: ['region'] });
});

test('the feature says from where it is asked', (t) => {
  const sys = folder(t, {});
  const addon = { connectIn: () => Promise.reject(new Error('not asked')) } as Pick<Addon, 'connectIn'>;
  const stateOf = (view: Partial<HostView>, given: typeof addon | undefined, provider = ''): unknown => {
    const features = new Features();
    const paths = { proc: '/proc', sys, root: '', cgroup: '' };
    const cloud = startCloud({
      cloud: { provider, region: '', availabilityZone: '', instanceType: '', instanceLifeCycle: '' },
      view: { paths, netNamespace: null, utsNamespace: null, netNamespaceInode: 0, ...view },
      addon: given,
      features,
      clock: systemClock,
      onProblem: assert.fail,
      onRecovered: assert.fail,
    });
    assert.deepEqual([...cloud.notices()], []);
    return features.get('cloud');
  };
  const elsewhere = { netNamespace: '/proc/1/ns/net' };
  const works = { enabled: true, reason: '' };
  assert.deepEqual(stateOf(elsewhere, addon), works);
  assert.deepEqual(stateOf(elsewhere, undefined), { enabled: true, reason: 'no_addon' });
  assert.deepEqual(stateOf({ sharesNetwork: true }, undefined), works);
  assert.deepEqual(stateOf({}, addon), { enabled: true, reason: 'own_view' });
  assert.deepEqual(stateOf(elsewhere, addon, 'none'), { enabled: false, reason: 'not_wanted' });
});
