import type { Features } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import type { Addon } from '../native/addon.ts';
import type { Hierarchy } from './hierarchy.ts';
import { oomLayouts } from './layouts.ts';
import { startRing, type RingSource } from './ring-object.ts';
import { recordsOf } from './ring-records.ts';
import { flag } from './rodata.ts';
import { requireBpf } from './start.ts';
import { uint64 } from './uint64.ts';

const { rodata, bss } = oomLayouts;

/**
 * Tells `onKills` the cgroups, on the hierarchy, of processes that the OOM killer ends; 0 for one that the kernel did not
 * tell. Answers undefined where that cannot be had: the feature `oom_kills` says why, and works by the cgroups' own counts.
 */
export async function startOomEvents(
  addon: Addon | undefined,
  readObject: (name: string) => Promise<Uint8Array>,
  hierarchy: Hierarchy,
  paths: HostPaths,
  features: Features,
  onKills: (cgroupIds: readonly number[]) => void,
): Promise<RingSource | undefined> {
  try {
    const object = requireBpf(addon, paths).openObject(await readObject('oom'), 'oom');
    const source = await startRing({
      object,
      told: { offset: rodata.fields.memoryV1.offset, bytes: flag(hierarchy.version === 1) },
      // The signal comes first in the kernel, too.
      programs: ['oom_signal_generate', 'oom_mark_victim'],
      maps: ['oom_killed'],
      ring: 'oom_events',
      dropped: bss.fields.oomEventsDropped,
      onBatch: (batch) => onKills(decodeKills(batch)),
    });
    features.set('oom_kills', true);
    return source;
  } catch (error) {
    features.lessen('oom_kills', error);
    return undefined;
  }
}

function decodeKills(batch: Buffer): number[] {
  return [...recordsOf(batch)].map((record) => (record.length < 8 ? 0 : uint64(record)));
}
