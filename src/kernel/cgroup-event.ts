import { cgroupLayouts } from './layouts.ts';
import { recordsOf } from './ring-records.ts';
import { uint64 } from './uint64.ts';

/** A cgroup was made or removed, got its first process, itself or below it, or lost its last one. */
export interface CgroupEvent {
  readonly kind: 'created' | 'removed' | 'populated' | 'emptied';
  /** Inode of its directory. */
  readonly cgroupId: number;
  /** CLOCK_MONOTONIC. */
  readonly timeNs: number;
  /** From the root of its hierarchy, beginning with a slash; empty where a cgroup was populated or emptied. */
  readonly path: string;
  /** The kernel had no room for the end of the path. */
  readonly truncated: boolean;
}

const { fields } = cgroupLayouts.cgroupEvent;
const kinds: ReadonlyMap<number, CgroupEvent['kind']> = new Map([
  [cgroupLayouts.cgroupEventKind.CGROUP_MKDIR, 'created'],
  [cgroupLayouts.cgroupEventKind.CGROUP_RMDIR, 'removed'],
  [cgroupLayouts.cgroupEventKind.CGROUP_POPULATED, 'populated'],
  [cgroupLayouts.cgroupEventKind.CGROUP_EMPTIED, 'emptied'],
]);

/** Decodes a batch of ring records as `Addon.openRing` frames them. What is cut short or unknown is left out. */
export function decodeCgroupEvents(batch: Buffer): CgroupEvent[] {
  return [...recordsOf(batch)].map(decode).filter((event) => event !== undefined);
}

function decode(record: Buffer): CgroupEvent | undefined {
  if (record.length <= fields.path.offset) return undefined;
  const kind = kinds.get(record.readUInt32LE(fields.kind.offset));
  if (kind === undefined) return undefined;
  const pathEnd = fields.path.offset + record.readUInt16LE(fields.pathBytes.offset) - 1;
  if (pathEnd < fields.path.offset || pathEnd >= record.length) return undefined;
  return {
    kind,
    cgroupId: uint64(record, fields.id.offset),
    timeNs: uint64(record, fields.timeNs.offset),
    path: record.toString('utf8', fields.path.offset, pathEnd),
    truncated: record.readUInt16LE(fields.truncated.offset) !== 0,
  };
}
