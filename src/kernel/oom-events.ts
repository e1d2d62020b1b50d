import type { Features } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import type { Addon } from '../native/addon.ts';
import type { KernelFigures } from './figures.ts';
import type { Hierarchy } from './hierarchy.ts';
import { oomLayouts } from './layouts.ts';
import { recordsOf } from './ring-records.ts';
import { requireBpf } from './start.ts';

export interface OomEvents {
  figures(): KernelFigures;
  /** Idempotent. */
  close(): void;
}

const programs = ['oom_mark_victim', 'oom_signal_generate'] as const;

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
): Promise<OomEvents | undefined> {
  try {
    const bpf = requireBpf(addon, paths);
    const object = bpf.openObject(await readObject('oom'), 'oom');
    try {
      const { memoryV1 } = oomLayouts.rodata.fields;
      object.setInitial('.rodata', memoryV1.offset, Buffer.from([hierarchy.version === 1 ? 1 : 0]));
      await object.load();
      // The signal comes first in the kernel, too.
      object.attach('oom_signal_generate');
      object.attach('oom_mark_victim');
      const ring = object.openRing('oom_events', (batch) => onKills(decodeKills(batch)));
      features.set('oom_kills', true);
      const close = (): void => {
        ring.close();
        object.close();
      };
      return { close, figures: () => figuresOf(object) };
    } catch (error) {
      object.close();
      throw error;
    }
  } catch (error) {
    features.lessen('oom_kills', error);
    return undefined;
  }
}

function decodeKills(batch: Buffer): number[] {
  return [...recordsOf(batch)].map((record) => (record.length < 8 ? 0 : Number(record.readBigUInt64LE())));
}

function figuresOf(object: KernelFigures['object']): KernelFigures {
  const { offset, size } = oomLayouts.bss.fields.oomEventsDropped;
  return {
    object,
    programs,
    maps: ['oom_events', 'oom_killed'],
    entries: {},
    refused: [],
    ringDropped: { oom_events: Number(object.readGlobal('.bss', offset, size).readBigUInt64LE()) },
  };
}
