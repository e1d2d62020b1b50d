import { readFileSync } from 'node:fs';
import type { HostPaths } from '../host/paths.ts';
import type { ProviderName } from './providers/index.ts';

/** A line; undefined where it cannot be read. */
type Read = (file: string) => string | undefined;

/** Below sysfs; the firmware's own words (SMBIOS), `Documentation/ABI/testing/sysfs-class-dmi` of the kernel. */
const dmi = (read: Read, name: string): string | undefined => read(`class/dmi/id/${name}`);

/**
 * By which files a cloud is known. Machines that are no virtual machines of a cloud have Google's and Microsoft's boards too: there a
 * second file, where it can be read, has to agree.
 */
const signs: readonly (readonly [ProviderName, (read: Read) => boolean | undefined])[] = [
  ['AWS', (read) => read('hypervisor/uuid')?.startsWith('ec2') || dmi(read, 'board_vendor') === 'Amazon EC2'],
  [
    'GCP',
    (read) =>
      dmi(read, 'board_vendor') === 'Google' &&
      [undefined, 'Google', 'Google Compute Engine'].includes(dmi(read, 'product_name')),
  ],
  [
    'Azure',
    (read) =>
      dmi(read, 'board_vendor') === 'Microsoft Corporation' &&
      [undefined, '7783-7084-3265-9085-8269-3286-77'].includes(dmi(read, 'chassis_asset_tag')),
  ],
  ['DigitalOcean', (read) => dmi(read, 'board_vendor') === 'DigitalOcean'],
  ['Hetzner', (read) => dmi(read, 'sys_vendor') === 'Hetzner'],
  ['Alibaba', (read) => dmi(read, 'sys_vendor') === 'Alibaba Cloud'],
  ['Scaleway', (read) => dmi(read, 'sys_vendor') === 'Scaleway'],
  ['IBM', (read) => dmi(read, 'chassis_vendor')?.startsWith('IBM:Cloud Compute Server')],
  ['Oracle', (read) => dmi(read, 'chassis_asset_tag') === 'OracleCloud.com'],
];

/** The cloud that the machine says it is in, by files alone; looks once, at a handful of lines. */
export function detect({ sys, root }: Pick<HostPaths, 'sys' | 'root'>): ProviderName | undefined {
  const read: Read = (file) =>
    line(`${sys}/${file}`) ?? (root === '' ? undefined : line(`${root}/sys/${file}`));
  return signs.find(([, isSo]) => isSo(read))?.[0];
}

function line(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined;
  }
}
