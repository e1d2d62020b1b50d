import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMountinfo, type Mount } from '../kernel/mountinfo.ts';
import { namer } from './names.ts';

const diskstats =
  '   8       0 sda 1 2 3 4\n   8       1 sda1 1 2 3 4\n  65     160 sdaa 1 2 3 4\n 259       5 nvme0n1 1 2\n 259       7 nvme0n1p2 1 2\n   7       0 loop0 1 2\n 253       3 dm-3 1 2\n 259      12 nvm';
const pvc = 'pvc-9e107d9d-372b-4b68-8f12-0123456789ab';
const pods = '/var/lib/kubelet/pods/11111111-2222-3333-4444-555555555555';
const host = [
  `25 1 8:1 / / rw - ext4 /dev/sda1 rw`,
  `90 25 259:7 / ${pods}/volumes/kubernetes.io~csi/${pvc}/mount rw - ext4 /dev/nvme0n1p2 rw`,
].join('\n');

const mount = (device: string, root = '/'): Mount =>
  parseMountinfo(`1 2 ${device} ${root} /data rw - ext4 x rw`)[0]!;

test('the device is the whole disk; one that is not known has no name', () => {
  const nameOf = namer(diskstats, '');
  for (const [device, name, disk] of [
    ['8:0', 'sda', '8:0'],
    ['8:1', 'sda', '8:0'],
    ['259:7', 'nvme0n1', '259:5'],
    ['253:3', 'dm-3', '253:3'],
    ['65:160', '', undefined],
    ['7:0', '', undefined],
    ['259:12', '', undefined],
    ['0:45', '', undefined],
  ] as const)
    assert.deepEqual(nameOf(mount(device)), { device: name, disk, volume: '' }, device);
});

test('a persistent volume by the directory that is mounted, or by where the host has mounted it', () => {
  const nameOf = namer(diskstats, host);
  for (const [device, root, volume] of [
    ['8:1', `/opt/local-path/${pvc}_default_data`, pvc],
    ['259:7', '/', pvc],
    ['259:7', '/some/sub/path', pvc],
    ['8:1', '/', ''],
    ['8:1', '/opt/pvc-1234', ''],
  ] as const)
    assert.equal(nameOf(mount(device, root)).volume, volume, `${device} ${root}`);
});
