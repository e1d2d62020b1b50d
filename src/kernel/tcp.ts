import type { Features } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import type { Addon, BpfObject } from '../native/addon.ts';
import type { KernelFigures } from './figures.ts';
import type { Hierarchy } from './hierarchy.ts';
import { tcpLayouts } from './layouts.ts';
import { int32 } from './rodata.ts';
import { requireBpf, startFeature, unavailable } from './start.ts';

export interface TcpOptions {
  /** From `findCgroup2Root`. */
  readonly cgroup2Root: string | undefined;
  readonly hierarchy: Hierarchy;
  /** From `hostView`; loopback counts in this namespace only. 0: everywhere. */
  readonly hostNetnsInode: number;
  /** Bit p set: connections to port p do not count; 8,192 bytes. */
  readonly ignoredPorts: Uint8Array;
  /** Sizes of the maps of {cgroup, destination} and of {cgroup} alone, when not those of the program. */
  readonly maxCounts?: number;
  readonly maxOverflow?: number;
}

/** All counts of one moment: keys and values one behind the other, by `tcpLayouts`. */
export interface TcpReading {
  /** Values whose `walk` is another one have no active connections. */
  readonly walk: number;
  /** `tcpKey`, `tcpValue`, ... */
  readonly counts: Buffer;
  /** Cgroup id (u64), `tcpValue`, ... */
  readonly overflow: Buffer;
}

export interface TcpProgram {
  /** Counts the open connections anew and copies both maps, on threads of the addon. One at a time. */
  read(): Promise<TcpReading>;
  /** Removes an entry and answers its last value, null when there is none. */
  take(map: 'tcp_counts' | 'tcp_overflow', key: Uint8Array): Buffer | null;
  figures(): KernelFigures;
  /** Idempotent. */
  close(): void;
}

const entryBytes = {
  counts: tcpLayouts.tcpKey.size + tcpLayouts.tcpValue.size,
  overflow: 8 + tcpLayouts.tcpValue.size,
};

/**
 * Starts counting outbound TCP connections. Answers undefined, and the feature `tcp` says why, where that cannot be
 * had. The feature `tcp_active` is off where only the walk over open connections cannot.
 */
export function startTcp(
  addon: Addon | undefined,
  elf: Uint8Array,
  options: TcpOptions,
  paths: HostPaths,
  features: Features,
): Promise<TcpProgram | undefined> {
  return startFeature('tcp', features, async () => {
    const native = requireBpf(addon, paths);
    const { cgroup2Root } = options;
    if (cgroup2Root === undefined)
      throw unavailable('no_mount', 'the root of the cgroup v2 tree is not visible here');

    const withWalk = await startFeature('tcp_active', features, () =>
      start(native, elf, options, cgroup2Root, true),
    );
    return withWalk ?? (await start(native, elf, options, cgroup2Root, false));
  });
}

async function start(
  addon: Addon,
  elf: Uint8Array,
  options: TcpOptions,
  cgroupPath: string,
  walks: boolean,
): Promise<TcpProgram> {
  const object = addon.openObject(elf, 'tcp');
  try {
    configure(object, options);
    object.setAutoload('tcp_active', walks);
    await object.load();
    object.update('tcp_overflow', Buffer.alloc(8), Buffer.alloc(tcpLayouts.tcpValue.size));
    const iterator = walks ? object.attach('tcp_active', { iterMap: 'tcp_sockets' }) : undefined;
    object.attach('tcp_connects', { cgroupPath });
    return program(object, iterator);
  } catch (error) {
    object.close();
    throw error;
  }
}

function configure(object: BpfObject, options: TcpOptions): void {
  const { memoryV1, hostNetns, ignoredPorts } = tcpLayouts.rodata.fields;
  object.setInitial('.rodata', memoryV1.offset, Uint8Array.of(options.hierarchy.version === 1 ? 1 : 0));
  object.setInitial('.rodata', hostNetns.offset, int32(options.hostNetnsInode));
  object.setInitial('.rodata', ignoredPorts.offset, options.ignoredPorts);
  if (options.maxCounts !== undefined) object.setMaxEntries('tcp_counts', options.maxCounts);
  if (options.maxOverflow !== undefined) object.setMaxEntries('tcp_overflow', options.maxOverflow);
}

function program(object: BpfObject, iterator: number | undefined): TcpProgram {
  let walk = 0;
  let entries: Record<string, number> = {};
  return {
    read: async () => {
      walk = (walk + 1) >>> 0;
      if (iterator !== undefined) {
        object.writeGlobal('.bss', tcpLayouts.bss.fields.walk.offset, int32(walk));
        await object.readIterator(iterator, 4096);
      }
      const [counts, overflow] = await Promise.all([
        object.readMap('tcp_counts'),
        object.readMap('tcp_overflow'),
      ]);
      entries = {
        tcp_counts: counts.length / entryBytes.counts,
        tcp_overflow: overflow.length / entryBytes.overflow,
      };
      return { walk, counts, overflow };
    },
    take: (map, key) => object.take(map, key),
    figures: () => ({
      object,
      programs: iterator === undefined ? ['tcp_connects'] : ['tcp_connects', 'tcp_active'],
      maps: ['tcp_counts', 'tcp_overflow', 'tcp_sockets'],
      entries,
      refused: refusedOf(object),
      ringDropped: {},
    }),
    close: () => object.close(),
  };
}

function refusedOf(object: BpfObject): KernelFigures['refused'] {
  const { offset, size } = tcpLayouts.bss.fields.refused;
  const bytes = object.readGlobal('.bss', offset, size);
  const { tcpCounts, tcpOverflow, socketStorage } = tcpLayouts.tcpRefused.fields;
  const count = (field: { offset: number }): number => Number(bytes.readBigUInt64LE(field.offset));
  return [
    { map: 'tcp_counts', reason: 'full', count: count(tcpCounts) },
    { map: 'tcp_overflow', reason: 'full', count: count(tcpOverflow) },
    { map: 'tcp_sockets', reason: 'socket_storage', count: count(socketStorage) },
  ];
}
