import { existsSync } from 'node:fs';
import type { Need, Thing } from '../../config/capabilities.ts';
import type { Features } from '../features.ts';
import { hasCapability } from '../host/capabilities.ts';
import type { HostPaths } from '../host/paths.ts';
import { hostPidNamespace } from '../host/view.ts';
import { findCgroup2Root } from '../kernel/cgroup2-root.ts';
import type { Offer } from './offer.ts';

/** What needs are compared with. */
export interface Machine {
  readonly paths: HostPaths;
  readonly offer: Offer;
  readonly features: Pick<Features, 'get'>;
}

/** The first needs first; what the machine does not tell of is not lacking. */
export function lacking(needs: readonly Need[], machine: Machine): readonly Need[] {
  const { kernelRelease } = machine.offer;
  return needs.filter(
    ({ below, or = [], ...need }) =>
      (below === undefined || (kernelRelease !== undefined && isOlder(kernelRelease, below))) &&
      isThere(need, machine) === false &&
      !or.some((other) => isThere(other, machine) === true),
  );
}

/** Undefined: it cannot be told. */
function isThere({ kind, name }: Thing, { paths, offer, features }: Machine): boolean | undefined {
  switch (kind) {
    case 'capability':
      return hasCapability(offer.capabilities, name);
    case 'kernel':
      return known(offer.kernelRelease, (release) => !isOlder(release, name));
    case 'config':
      if (name === 'CONFIG_DEBUG_INFO_BTF') return existsSync(`${paths.sys}/kernel/btf/vmlinux`);
      return known(offer.config(name), (value) => value !== 'n');
    case 'mount':
      return name === 'cgroup2' ? findCgroup2Root(paths) !== undefined : undefined;
    case 'namespace':
      return isHosts(name, offer);
    case 'sysctl':
      return known(offer.sysctl(name), (value) => value !== '0');
    case 'lockdown':
      return known(offer.lockdown, (level) => levels.indexOf(level) <= levels.indexOf(name));
    case 'feature':
      return features.get(name as Parameters<Features['get']>[0])?.enabled;
  }
}

function known<T>(value: T | undefined, judge: (value: T) => boolean): boolean | undefined {
  return value === undefined ? undefined : judge(value);
}

const levels = ['none', 'integrity', 'confidentiality'];

function isHosts(kind: string, offer: Offer): boolean | undefined {
  const own = offer.namespace('self', kind);
  if (own === undefined) return undefined;
  if (kind === 'pid') return own === hostPidNamespace;
  return known(offer.namespace('1', kind), (first) => own === first);
}

/** Compares the first two numbers of releases. */
export function isOlder(release: string, than: string): boolean {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const [thanMajor = 0, thanMinor = 0] = than.split('.').map(Number);
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
}
