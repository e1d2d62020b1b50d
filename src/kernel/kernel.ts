import { readFile } from 'node:fs/promises';
import { assetPath } from '../assets.ts';
import { messageOf } from '../errors.ts';
import type { Features } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import type { Addon, BpfObject } from '../native/addon.ts';
import type { CgroupEvent } from './cgroup-event.ts';
import { startCgroupEvents } from './cgroup-events.ts';
import type { KernelFigures } from './figures.ts';
import type { Hierarchy } from './hierarchy.ts';
import { startNat, type Nat, type NatOptions } from './nat.ts';
import { startOomEvents } from './oom-events.ts';
import { unavailable } from './start.ts';
import { startTasks, type TaskProgram } from './tasks.ts';
import { startTcp, type TcpOptions } from './tcp.ts';
import type { TcpProgram } from './tcp-program.ts';
import { startVolumes, type VolumeProgram } from './volumes.ts';

/** Everything of ours that runs in the kernel. */
export interface Kernel {
  /** Undefined where the kernel or our rights do not allow it; the feature `tcp` says why. */
  readonly tcp: TcpProgram | undefined;
  /** Undefined without `tcp`. */
  readonly nat: Nat | undefined;
  /** Undefined likewise; the feature `volumes` says why. */
  readonly volumes: VolumeProgram | undefined;
  /** Likewise, by the feature `delays`. */
  readonly tasks: TaskProgram | undefined;
  figures(): readonly KernelFigures[];
  /** Detaches everything. Idempotent. */
  close(): void;
}

/** Loads and attaches the programs, each as a feature of its own. Never rejects for want of one. */
export async function startKernel(deps: {
  addon: Addon | undefined;
  paths: HostPaths;
  features: Features;
  hierarchy: Hierarchy;
  tcp: Omit<TcpOptions, 'hierarchy' | 'onLoaded'>;
  nat: NatOptions;
  onCgroupEvents: (events: readonly CgroupEvent[]) => void;
  /** Cgroups of processes that the OOM killer ended; 0 where the kernel did not tell. */
  onOomKills: (cgroupIds: readonly number[]) => void;
}): Promise<Kernel> {
  const { addon, paths, features, hierarchy } = deps;
  if (addon === undefined) {
    for (const feature of ['cgroup_events', 'tcp', 'nat'] as const) features.set(feature, false, 'no_addon');
    for (const feature of ['tcp_active', 'tcp_older', 'oom_kills', 'volumes', 'delays'] as const)
      features.set(feature, true, 'no_addon');
    const none = { tcp: undefined, nat: undefined, volumes: undefined, tasks: undefined };
    return { ...none, figures: () => [], close: () => {} };
  }
  const cgroupElf = await objectFile('cgroup').catch(() => undefined);
  addon.raiseMemlock();
  const events =
    cgroupElf && (await startCgroupEvents(addon, cgroupElf, hierarchy, paths, features, deps.onCgroupEvents));
  let nat: Nat | undefined;
  const onLoaded = async (object: BpfObject): Promise<void> => {
    nat = await startNat(addon, object, deps.nat, features);
  };
  const tcp = await startTcp(addon, objectFile, { ...deps.tcp, hierarchy, onLoaded }, paths, features);
  if (tcp === undefined) {
    nat = undefined;
    features.fail('nat', unavailable(features.get('tcp')?.reason || 'kernel', 'nobody counts connections'));
  }
  if (!cgroupElf) features.set('cgroup_events', false, 'not_built', 'cgroup.bpf.o is missing');
  const oom = await startOomEvents(addon, objectFile, hierarchy, paths, features, deps.onOomKills);
  const volumes = await startVolumes(addon, objectFile, hierarchy, paths, features);
  const tasks = await startTasks(addon, objectFile, hierarchy, paths, features);
  const parts = [events, tcp, nat, oom, volumes, tasks].filter((part) => part !== undefined);
  return {
    tcp,
    nat,
    volumes,
    tasks,
    figures: () => parts.map((part) => part.figures()),
    close: () => parts.forEach((part) => part.close()),
  };
}

async function objectFile(name: string): Promise<Uint8Array> {
  return readFile(assetPath(`${name}.bpf.o`)).catch((cause: unknown) => {
    throw unavailable('not_built', `${name}.bpf.o is missing: ${messageOf(cause)}`);
  });
}
