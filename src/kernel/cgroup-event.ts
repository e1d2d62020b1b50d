import { cgroupLayouts } from './layouts.ts';
import { recordsOf } from './ring-records.ts';

/** A cgroup was made or removed. */
export interface CgroupEvent {
  readonly kind: 'created' | 'removed';
  /** Inode of its directory. */
  readonly cgroupId: number;
  /** CLOCK_MONOTONIC. */
  readonly timeNs: number;
  /** From the root of its hierarchy, beginning with a slash. */
  readonly path: string;
  /** The kernel had no room for the end of the path. */
  readonly truncated: boolean;
}

const { fields } = cgroupLayouts.cgroupEvent;
const { CGROUP_MKDIR, CGROUP_RMDIR } = cgroupLayouts.cgroupEventKind;

/** Decodes a batch of ring records as `Addon.openRing` frames them. What is cut short or unknown is left out. */
export function decodeCgroupEvents(batch: Buffer): CgroupEvent[] {
  return [...recordsOf(batch)].map(decode).filter((event) => event !== undefined);
}

function decode(record: Buffer): CgroupEvent | undefined {
  if (record.length <= fields.path.offset) return undefined;
  const kind = record.readUInt32LE(fields.kind.offset);
  if (kind !== CGROUP_MKDIR && kind !== CGROUP_RMDIR) return undefined;
  const pathEnd = fields.path.offset + record.readUInt16LE(fields.pathBytes.offset) - 1;
  if (pathEnd < fields.path.offset || pathEnd >= record.length) return undefined;
  return {
    kind: kind === CGROUP_MKDIR ? 'created' : 'removed',
    cgroupId: Number(record.readBigUInt64LE(fields.id.offset)),
    timeNs: Number(record.readBigUInt64LE(fields.timeNs.offset)),
    path: record.toString('utf8', fields.path.offset, pathEnd),
    truncated: record.readUInt16LE(fields.truncated.offset) !== 0,
  };
}
