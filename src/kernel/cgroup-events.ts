import type { Features } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import type { Addon } from '../native/addon.ts';
import { decodeCgroupEvents, type CgroupEvent } from './cgroup-event.ts';
import type { KernelFigures } from './figures.ts';
import type { Hierarchy } from './hierarchy.ts';
import { cgroupLayouts } from './layouts.ts';
import { int32 } from './rodata.ts';
import { requireBpf, startFeature } from './start.ts';

const programs = ['cgroup_mkdir', 'cgroup_rmdir', 'cgroup_populated'] as const;

export interface CgroupEvents {
  figures(): KernelFigures;
  /** Idempotent. */
  close(): void;
}

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
): Promise<CgroupEvents | undefined> {
  return startFeature('cgroup_events', features, async () => {
    const object = requireBpf(addon, paths).openObject(elf, 'cgroup');
    try {
      const { countedHierarchy } = cgroupLayouts.rodata.fields;
      object.setInitial('.rodata', countedHierarchy.offset, int32(hierarchy.hierarchyId));
      await object.load();
      for (const program of programs) object.attach(program);
      const ring = object.openRing('cgroup_events', (batch) => onEvents(decodeCgroupEvents(batch)));
      const close = (): void => {
        ring.close();
        object.close();
      };
      return { close, figures: () => figuresOf(object) };
    } catch (error) {
      object.close();
      throw error;
    }
  });
}

function figuresOf(object: KernelFigures['object']): KernelFigures {
  const { offset, size } = cgroupLayouts.bss.fields.cgroupEventsDropped;
  return {
    object,
    programs,
    maps: ['cgroup_events', 'cgroup_scratch'],
    entries: {},
    refused: [],
    ringDropped: { cgroup_events: Number(object.readGlobal('.bss', offset, size).readBigUInt64LE()) },
  };
}
