import { readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { capabilitiesOf } from '../host/capabilities.ts';
import type { HostPaths } from '../host/paths.ts';

/** What a machine offers to this process. Undefined: it does not say. */
export interface Offer {
  readonly capabilities: bigint | undefined;
  /** `6.1.0-18-amd64`. */
  readonly kernelRelease: string | undefined;
  /** Level of kernel_lockdown(7): `none`, `integrity` or `confidentiality`. */
  readonly lockdown: string | undefined;
  /** Inode of a namespace file of a process (namespaces(7)). */
  namespace(pid: 'self' | '1', kind: string): number | undefined;
  /** Value of `CONFIG_X`: `y`, `m` or a number; `n` when the option is not set. */
  config(option: string): string | undefined;
  /** Value of `kernel.x`. */
  sysctl(name: string): string | undefined;
}

export function offerOf(paths: HostPaths): Offer {
  const { proc, sys } = paths;
  const host = `${proc}/1/root`;
  const kernelRelease = read(`${proc}/sys/kernel/osrelease`)?.trim();
  const lockdown = read(`${sys}/kernel/security/lockdown`) ?? read(`${host}/sys/kernel/security/lockdown`);
  let options: string | undefined;
  return {
    capabilities: capabilitiesOf(proc),
    kernelRelease,
    lockdown: /\[(\w+)\]/.exec(lockdown ?? '')?.[1],
    namespace(pid, kind) {
      try {
        return statSync(`${proc}/${pid}/ns/${kind}`).ino;
      } catch {
        return undefined;
      }
    },
    config(option) {
      const installed = `/boot/config-${kernelRelease}`;
      options ??= unpacked(`${proc}/config.gz`) ?? read(host + installed) ?? read(installed) ?? '';
      if (options === '') return undefined;
      return new RegExp(`^${option}=(.*)$`, 'm').exec(options)?.[1] ?? 'n';
    },
    sysctl: (name) => read(`${proc}/sys/${name.replaceAll('.', '/')}`)?.trim(),
  };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** A kernel's configuration has some 250 kB. */
const maxConfigBytes = 4 << 20;

function unpacked(path: string): string | undefined {
  try {
    return gunzipSync(readFileSync(path), { maxOutputLength: maxConfigBytes }).toString('latin1');
  } catch {
    return undefined;
  }
}
