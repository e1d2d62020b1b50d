import { hostname, release } from 'node:os';
import type { Addon } from '../native/addon.ts';
import { readText } from './files.ts';
import type { HostView } from './view.ts';

/** Which machine this is. What cannot be read is empty. */
export interface HostIdentity {
  /** Without dashes. */
  readonly machineId: string;
  /** As the firmware has it, dashes and case kept. */
  readonly systemUuid: string;
  readonly hostName: string;
  readonly kernelRelease: string;
}

/** machine-id(5), then DMI: the first that can be read. */
const machineIdFiles = [
  '/etc/machine-id',
  '/var/lib/dbus/machine-id',
  '/sys/devices/virtual/dmi/id/product_uuid',
];
const systemUuidFile = '/sys/devices/virtual/dmi/id/product_uuid';
/** Ids are 36 characters at most; a longer file is not one. */
const maxIdBytes = 256;

/** Reads the identity once. Never rejects. */
export async function readIdentity(view: HostView, addon: Addon | undefined): Promise<HostIdentity> {
  const { root } = view.paths;
  const read = (path: string): Promise<string> =>
    readText(root + path, maxIdBytes).then(
      (text) => text.trim(),
      () => '',
    );
  const [candidates, systemUuid, names] = await Promise.all([
    Promise.all(machineIdFiles.map(read)),
    read(systemUuidFile),
    namesOf(view, addon),
  ]);
  const machineId = (candidates.find((id) => id !== '') ?? '').replaceAll('-', '');
  return { machineId, systemUuid, ...names };
}

/** uname(2) in the host's UTS namespace, else in our own. */
async function namesOf(
  view: HostView,
  addon: Addon | undefined,
): Promise<{ hostName: string; kernelRelease: string }> {
  for (const namespace of new Set([view.utsNamespace, null])) {
    try {
      const names = await addon?.utsname(namespace);
      if (names !== undefined) return { hostName: names.nodename, kernelRelease: names.release };
    } catch {
      // The namespace may not be entered: our own name is the next best.
    }
  }
  return { hostName: hostname(), kernelRelease: release() };
}
