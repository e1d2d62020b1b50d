import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceName, deviceNumber, parseDiskNames, wholeDiskOf } from './disks.ts';

test('disks are themselves, partitions belong to theirs, the rest to none', () => {
  for (const [name, disk] of [
    ['sda', 'sda'],
    ['sda15', 'sda'],
    ['vdb1', 'vdb'],
    ['xvda1', 'xvda'],
    ['nvme0n1', 'nvme0n1'],
    ['nvme10n2p3', 'nvme10n2'],
    ['mmcblk0p1', 'mmcblk0'],
    ['md127p1', 'md127'],
    ['dm-12', 'dm-12'],
    ['sdaa1', undefined],
    ['mmcblk0boot0', undefined],
    ['loop0', undefined],
    ['', undefined],
  ] as const)
    assert.equal(wholeDiskOf(name), disk, name);
});

test('names by number, of complete rows', () => {
  const text = '   8       0 sda 1 2 3\n   8      16 sdb 1 2 3\n 259 x nvme0n1 1\n 8 17 sdb1 1';
  assert.deepEqual(
    parseDiskNames(text),
    new Map([
      ['8:0', 'sda'],
      ['8:16', 'sdb'],
    ]),
  );
});

test('numbers of devices', () => {
  for (const name of ['0:45', '8:1', '259:1048575', '4095:0'])
    assert.equal(deviceName(deviceNumber(name)), name);
  assert.equal(deviceNumber('8:1'), 0x800001);
});
