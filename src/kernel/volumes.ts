import { AgentError } from '../errors.ts';
import type { Features } from '../features.ts';
import { capabilitiesOf, hasCapability } from '../host/capabilities.ts';
import type { HostPaths } from '../host/paths.ts';
import { deviceName, deviceNumber } from '../host/disks.ts';
import type { Addon, BpfObject } from '../native/addon.ts';
import type { KernelFigures } from './figures.ts';
import type { Hierarchy } from './hierarchy.ts';
import { volumesLayouts } from './layouts.ts';
import { flag, int32 } from './rodata.ts';
import { requireBpf } from './start.ts';
import { uint64 } from './uint64.ts';

const { volumeChange, volumeKey, volumeDevice, volumeUse, bss, rodata } = volumesLayouts;

/** A process of the cgroup writes to a file on the device, or has it open for writing. */
export interface VolumeUse {
  /** On the hierarchy that counts. */
  readonly cgroupId: number;
  /** `8:1`. */
  readonly device: string;
  /** As in mountinfo, of some mount namespace; 0 where it is not known. */
  readonly mountId: number;
  /** Inodes of directories above the file, nearest first; where the mount is known that of its root alone. */
  readonly above: readonly number[];
  readonly key: Uint8Array;
}

/** Uses of one cgroup on one device. */
export type OfDevice = Pick<VolumeUse, 'cgroupId' | 'device'>;

export interface VolumeProgram {
  /** Walks over all open files of the machine: what is open for writing is told. */
  walk(): Promise<void>;
  /** What has not been read before. */
  read(): Promise<readonly VolumeUse[]>;
  /** It is read once more. */
  again(use: VolumeUse): void;
  /** No more is to be told of these; or all that there is, once more. */
  settle(uses: OfDevice): void;
  unsettle(uses: OfDevice): void;
  figures(): KernelFigures;
  /** Idempotent. */
  close(): void;
}

/**
 * Starts to hear of files that are open for writing or written to. Answers undefined where that cannot be had: the feature
 * `volumes` says why, and works by what procfs tells of processes that live.
 */
export async function startVolumes(
  addon: Addon | undefined,
  readObject: (name: string) => Promise<Uint8Array>,
  hierarchy: Hierarchy,
  paths: HostPaths,
  features: Features,
  options: { readonly maxUses?: number } = {},
): Promise<VolumeProgram | undefined> {
  let object: BpfObject | undefined;
  try {
    object = requireBpf(addon, paths).openObject(await readObject('volumes'), 'volumes');
    object.setInitial('.rodata', rodata.fields.memoryV1.offset, flag(hierarchy.version === 1));
    if (options.maxUses !== undefined) object.setMaxEntries('volume_uses', options.maxUses);
    await object.load();
    object.attach('volume_dirtied');
    const program = volumeProgram(object, object.attach('volume_walk'));
    if (hasCapability(capabilitiesOf(paths.proc), 'CAP_SYS_PTRACE') === false)
      features.lessen('volumes', new AgentError('EPERM', 'may not look into other root directories'));
    else features.set('volumes', true);
    return program;
  } catch (error) {
    object?.close();
    features.lessen('volumes', error);
    return undefined;
  }
}

function volumeProgram(object: BpfObject, walk: number): VolumeProgram {
  let entries = 0;
  let isOnXfs = attachToXfs(object);
  /** By key, what has been read and is still in the map. */
  const known = new Map<string, VolumeUse>();
  const { maxEntries } = object.mapInfo('volume_uses');
  const forget = (isOver: (use: VolumeUse) => boolean): void => {
    for (const [key, use] of known) {
      if (!isOver(use)) continue;
      object.remove('volume_uses', use.key);
      known.delete(key);
    }
    // Whoever does what it did last is heard of, too.
    for (let change = 0; change < volumeChange.CHANGES; change++) {
      const last = object.lookup('volume_last', int32(change));
      if (last !== null) object.update('volume_last', int32(change), Buffer.alloc(last.length));
    }
  };
  const ofSame =
    (uses: OfDevice) =>
    (use: VolumeUse): boolean =>
      use.cgroupId === uses.cgroupId && use.device === uses.device;
  return {
    async walk() {
      isOnXfs ||= attachToXfs(object);
      // It writes nothing.
      await object.readIterator(walk, 4096);
    },
    async read() {
      const bytes = await object.readMap('volume_uses');
      entries = bytes.length / entryBytes;
      const fresh: VolumeUse[] = [];
      for (let at = 0; at + entryBytes <= bytes.length; at += entryBytes) {
        const key = bytes.toString('latin1', at, at + volumeKey.size);
        if (known.has(key)) continue;
        const use = decodeUse(bytes.subarray(at, at + entryBytes));
        known.set(key, use);
        fresh.push(use);
      }
      // Whoever goes on is told again.
      if (entries > maxEntries * 0.75) forget(() => true);
      return fresh;
    },
    again: ({ key }) => void known.delete(Buffer.from(key).toString('latin1')),
    settle(uses) {
      object.update('volume_settled', encodeDevice(uses), Uint8Array.of(1, 0, 0, 0));
      forget(ofSame(uses));
    },
    unsettle(uses) {
      object.remove('volume_settled', encodeDevice(uses));
      forget(ofSame(uses));
    },
    figures: () => {
      const { offset, size } = bss.fields.volumeUsesRefused;
      const count = uint64(object.readGlobal('.bss', offset, size));
      return {
        object,
        programs: ['volume_walk', 'volume_dirtied', 'volume_xfs_times'],
        maps: ['volume_uses', 'volume_settled', 'volume_last'],
        entries: { volume_uses: entries },
        refused: [{ map: 'volume_uses', reason: 'full', count }],
        ringDropped: {},
      };
    },
    close: () => object.close(),
  };
}

/** False while the kernel has no XFS: its module is loaded with the first mount. */
function attachToXfs(object: BpfObject): boolean {
  try {
    object.attach('volume_xfs_times');
    return true;
  } catch {
    return false;
  }
}

const entryBytes = volumeKey.size + volumeUse.size;

function decodeUse(entry: Buffer): VolumeUse {
  const { cgroupId, device } = volumeDevice.fields;
  const { mountId, levels, above } = volumeUse.fields;
  const value = entry.subarray(volumeKey.size);
  const count = Math.min(value.readUInt32LE(levels.offset), above.length);
  return {
    cgroupId: uint64(entry, cgroupId.offset),
    device: deviceName(entry.readUInt32LE(device.offset)),
    mountId: value.readUInt32LE(mountId.offset),
    above: Array.from({ length: count }, (_, i) => uint64(value, above.offset + 8 * i)),
    // A copy: what was read with it goes.
    key: Uint8Array.from(entry.subarray(0, volumeKey.size)),
  };
}

function encodeDevice({ cgroupId, device }: OfDevice): Buffer {
  const bytes = Buffer.alloc(volumeDevice.size);
  bytes.writeBigUInt64LE(BigInt(cgroupId), volumeDevice.fields.cgroupId.offset);
  bytes.writeUInt32LE(deviceNumber(device), volumeDevice.fields.device.offset);
  return bytes;
}
