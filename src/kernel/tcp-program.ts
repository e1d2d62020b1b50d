import type { BpfObject } from '../native/addon.ts';
import type { KernelFigures } from './figures.ts';
import { tcpLayouts } from './layouts.ts';
import { int32 } from './rodata.ts';
import type { TcpIterators, TcpObject, TcpSource, TcpSourceName } from './tcp-sources.ts';
import { uint64 } from './uint64.ts';

/** All counts of one moment: keys and values one behind the other, by `tcpLayouts`. */
export interface TcpReading {
  /** Values whose `walk` is another one have no active connections. */
  readonly walk: number;
  /** `tcpKey`, `tcpValue`, ... */
  readonly counts: Buffer;
  /** The same, by cgroup and direction alone. */
  readonly overflow: Buffer;
  /** `tcpHistogramKey`, `tcpHistogram`, ... */
  readonly histograms: Buffer;
  /** Cgroup id (u64), `tcpShare`, ... */
  readonly shares: Buffer;
  /** `listenKey`, `listenValue`, ... */
  readonly listens: Buffer;
}

/** `limit` of a `listenValue` whose source tells neither that nor drops. */
export const unknownLimit = 0xffffffff;

/** Maps whose entries can be taken. */
export type TcpMap = keyof typeof mapOf;

export interface TcpProgram {
  readonly source: TcpSourceName;
  /** Whether `read` counts open connections; without, none are shown as open. */
  readonly walks: boolean;
  /** Counts anew what is open and listens, and copies the maps, on threads of the addon. One at a time. */
  read(): Promise<TcpReading>;
  /** Removes an entry and answers its last value, null when there is none. */
  take(map: TcpMap, key: Uint8Array): Buffer | null;
  /** Looks for sockets that are older than the programs, and for tasks that others listen for. `read` does so now and then. */
  adopt(): Promise<void>;
  figures(): KernelFigures;
  /** Idempotent. */
  close(): void;
}

/** Which part of a reading comes from which map, and the size of an entry there. */
const mapOf = {
  tcp_counts: { part: 'counts', bytes: tcpLayouts.tcpKey.size + tcpLayouts.tcpValue.size },
  tcp_overflow: { part: 'overflow', bytes: tcpLayouts.tcpKey.size + tcpLayouts.tcpValue.size },
  tcp_histograms: {
    part: 'histograms',
    bytes: tcpLayouts.tcpHistogramKey.size + tcpLayouts.tcpHistogram.size,
  },
  tcp_shares: { part: 'shares', bytes: 8 + tcpLayouts.tcpShare.size },
  tcp_listens: { part: 'listens', bytes: tcpLayouts.listenKey.size + tcpLayouts.listenValue.size },
} as const;

const readMaps = Object.keys(mapOf) as TcpMap[];
/** Between two looks for sockets that are not known, and for who listens now. */
const adoptEveryMs = 60_000;

/** The programs of an object that is loaded and attached. */
export function tcpProgram(
  object: BpfObject,
  source: TcpSource,
  { walked }: TcpObject,
  iterators: TcpIterators,
): TcpProgram {
  let walk = 0;
  let adoptedMs = -Infinity;
  let entries: Record<string, number> = {};

  const adopt = async (): Promise<void> => {
    if (iterators.adopt === undefined) return;
    adoptedMs = performance.now();
    await object.readIterator(iterators.adopt, 4096);
  };

  const read = async (): Promise<TcpReading> => {
    if (performance.now() - adoptedMs >= adoptEveryMs) await adopt();
    walk = (walk + 1) >>> 0;
    if (iterators.active !== undefined) {
      object.writeGlobal('.bss', tcpLayouts.bss.fields.walk.offset, int32(walk));
      await object.readIterator(iterators.active, 4096);
    }
    const parts = await Promise.all(readMaps.map(async (map) => [map, await object.readMap(map)] as const));
    entries = Object.fromEntries(parts.map(([map, buffer]) => [map, buffer.length / mapOf[map].bytes]));
    const byPart = parts.map(([map, buffer]) => [mapOf[map].part, buffer]);
    return { walk, ...(Object.fromEntries(byPart) as Omit<TcpReading, 'walk'>) };
  };

  return {
    source: source.name,
    walks: iterators.active !== undefined,
    adopt,
    read,
    take: (map, key) => {
      const value = object.take(map, key);
      if (value !== null && map === 'tcp_counts') giveBack(object, key.subarray(0, 8));
      if (map === 'tcp_shares') object.remove('tcp_returned', key);
      return value;
    },
    figures: () => ({
      object,
      programs: [
        ...source.programs,
        ...(iterators.active === undefined ? [] : ['tcp_active', ...(source.withWalk ?? [])]),
        ...(iterators.adopt === undefined ? [] : ['tcp_adopt']),
      ],
      maps: [
        ...new Set([...readMaps, 'tcp_returned', 'tcp_translated', 'tcp_sockets', 'tcp_owners', walked]),
      ],
      entries,
      refused: refusedOf(object, source, walked),
      ringDropped: {},
    }),
    close: () => object.close(),
  };
}

/** A place in `tcp_counts` is free again for the cgroup. */
function giveBack(object: BpfObject, cgroupId: Uint8Array): void {
  const returned = object.lookup('tcp_returned', cgroupId) ?? Buffer.alloc(8);
  returned.writeBigUInt64LE(returned.readBigUInt64LE() + 1n);
  object.update('tcp_returned', cgroupId, returned);
}

function refusedOf(
  object: BpfObject,
  source: TcpSource,
  walked: TcpObject['walked'],
): KernelFigures['refused'] {
  const { offset, size } = tcpLayouts.bss.fields.refused;
  const bytes = object.readGlobal('.bss', offset, size);
  const { tcpCounts, tcpOverflow, socketStorage, tcpOpen, tcpListens, tcpHistograms } =
    tcpLayouts.tcpRefused.fields;
  const count = (field: { offset: number }): number => uint64(bytes, field.offset);
  return [
    { map: 'tcp_counts', reason: 'full', count: count(tcpCounts) },
    { map: 'tcp_overflow', reason: 'full', count: count(tcpOverflow) },
    { map: 'tcp_listens', reason: 'full', count: count(tcpListens) },
    { map: 'tcp_histograms', reason: 'full', count: count(tcpHistograms) },
    { map: 'tcp_sockets', reason: source.refusal, count: count(socketStorage) },
    ...(walked === 'tcp_open' ? [{ map: walked, reason: 'full', count: count(tcpOpen) }] : []),
  ];
}
