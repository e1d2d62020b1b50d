import type { Features } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import type { Addon } from '../native/addon.ts';
import { decodeCgroupEvents, type CgroupEvent } from './cgroup-event.ts';
import type { Hierarchy } from './hierarchy.ts';
import { cgroupLayouts } from './layouts.ts';
import { startRing, type RingSource } from './ring-object.ts';
import { int32 } from './rodata.ts';
import { requireBpf, startFeature } from './start.ts';

const { rodata, bss } = cgroupLayouts;

/**
 * Tells `onEvents` of every cgroup that comes and goes, fills and empties on the hierarchy, in order, on the event loop.
 * Answers undefined, and the feature `cgroup_events` says why, where that cannot be had.
 */
export function startCgroupEvents(
  addon: Addon | undefined,
  elf: Uint8Array,
  hierarchy: Hierarchy,
  paths: HostPaths,
  features: Features,
  onEvents: (events: readonly CgroupEvent[]) => void,
): Promise<RingSource | undefined> {
  return startFeature('cgroup_events', features, async () => {
    const object = requireBpf(addon, paths).openObject(elf, 'cgroup');
    return startRing({
      object,
      told: { offset: rodata.fields.countedHierarchy.offset, bytes: int32(hierarchy.hierarchyId) },
      programs: ['cgroup_mkdir', 'cgroup_rmdir', 'cgroup_populated'],
      maps: ['cgroup_scratch'],
      ring: 'cgroup_events',
      dropped: bss.fields.cgroupEventsDropped,
      onBatch: (batch) => onEvents(decodeCgroupEvents(batch)),
    });
  });
}
