import type { Reason } from '../../config/capabilities.ts';
import { AgentError, codeOf, messageOf } from '../errors.ts';
import type { Features } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import type { Addon, BpfObject } from '../native/addon.ts';
import type { KernelFigures } from './figures.ts';
import type { Hierarchy } from './hierarchy.ts';
import { tcpLayouts } from './layouts.ts';
import { flag, int32 } from './rodata.ts';
import { requireBpf, unavailable } from './start.ts';
import {
  attachSource,
  tcpSources,
  type TcpObject,
  type TcpSource,
  type TcpSourceName,
} from './tcp-sources.ts';
import { uint64 } from './uint64.ts';

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
  /** Size of the map of sockets, where there is one (`raw_tp`, and `sockops` where it walks over `tcp_open`). */
  readonly maxSockets?: number;
  /** The only source to try; `procfs` is none of the kernel's programs. By default all are tried, best first. */
  readonly source?: TcpSourceName | 'auto' | 'procfs';
  /** False: open connections are not counted. */
  readonly walks?: boolean;
  /** The only thing to walk over. By default what is best here. */
  readonly walked?: TcpObject['walked'];
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
  readonly source: TcpSourceName;
  /** Whether `read` counts open connections; without, none are shown as open. */
  readonly walks: boolean;
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

/** Reads a built object, by its name without `.bpf.o`. */
export type ReadObject = (name: string) => Promise<Uint8Array>;

/**
 * Starts counting outbound TCP connections by the best source that works here; the feature `tcp` says why a better one
 * does not, or why none does: then this answers undefined. The feature `tcp_active` is lessened where the walk over
 * open connections cannot be had: then they have to be counted by other means.
 */
export async function startTcp(
  addon: Addon | undefined,
  readObject: ReadObject,
  options: TcpOptions,
  paths: HostPaths,
  features: Features,
): Promise<TcpProgram | undefined> {
  const { source: wanted = 'auto' } = options;
  const refusals: AgentError[] = [];
  try {
    const native = requireBpf(addon, paths);
    for (const source of tcpSources) {
      if (wanted !== 'auto' && wanted !== source.name) continue;
      try {
        const program = await startSource(native, readObject, options, source, features);
        tell(features, source, refusals);
        return program;
      } catch (error) {
        refusals.push(refusal(source, error));
      }
    }
    throw refusals[0] ?? unavailable('not_wanted', `the option says ${wanted}`);
  } catch (error) {
    features.fail('tcp', error);
    features.lessen('tcp_active', error);
    return undefined;
  }
}

function refusal(source: TcpSource, error: unknown): AgentError {
  const told = new AgentError(codeOf(error), `not by ${source.name}: ${messageOf(error)}`, { cause: error });
  const { reason, verifierLog } = error as { reason?: unknown; verifierLog?: unknown };
  return Object.assign(told, { reason, verifierLog });
}

function tell(features: Features, { name }: TcpSource, [best, ...others]: readonly AgentError[]): void {
  if (best === undefined) return features.set('tcp', true, '', `by ${name}`);
  const message = [`by ${name}`, best.message, ...others.map(messageOf)].join('; ');
  const { reason } = best as { reason?: Reason };
  features.lessen('tcp', new AgentError(best.code, message, { cause: best }), reason ?? 'kernel');
}

/** Tries the variants of one source, first with the walk, then without. */
async function startSource(
  addon: Addon,
  readObject: ReadObject,
  options: TcpOptions,
  source: TcpSource,
  features: Features,
): Promise<TcpProgram> {
  const cgroupPath = options.cgroup2Root;
  if (source.onCgroup && cgroupPath === undefined)
    throw unavailable('no_mount', 'the root of the cgroup v2 tree is not visible here');

  let refused: unknown;
  for (const walks of walkingOrNot(source, options)) {
    let withWalk: unknown;
    for (const tried of source.objects) {
      if (options.walked !== undefined && tried.walked !== options.walked) continue;
      try {
        const elf = await readObject(tried.file);
        const program = await start(addon, elf, options, { source, tried, walks, cgroupPath });
        if (walks) features.set('tcp_active', true, '', 'by iterator');
        else features.lessen('tcp_active', refused ?? unavailable('not_wanted', 'told not to walk'));
        return program;
      } catch (error) {
        withWalk = error;
      }
    }
    refused ??= withWalk;
  }
  throw refused;
}

function walkingOrNot({ needsWalk }: TcpSource, { walks }: TcpOptions): readonly boolean[] {
  if (walks === false) return [false];
  return needsWalk ? [true] : [true, false];
}

/** One try: an object of a source, walking over its sockets or not. */
interface Try {
  readonly source: TcpSource;
  readonly tried: TcpObject;
  readonly walks: boolean;
  readonly cgroupPath: string | undefined;
}

async function start(addon: Addon, elf: Uint8Array, options: TcpOptions, how: Try): Promise<TcpProgram> {
  const { source, tried, walks, cgroupPath = '' } = how;
  const object = addon.openObject(elf, 'tcp');
  try {
    configure(object, options, tried);
    object.setAutoload('tcp_active', walks);
    await object.load();
    object.update('tcp_overflow', Buffer.alloc(8), Buffer.alloc(tcpLayouts.tcpValue.size));
    const iterator = attachSource(object, source, cgroupPath, walks ? tried.walked : undefined);
    return program(object, source, tried, iterator);
  } catch (error) {
    object.close();
    throw error;
  }
}

function configure(object: BpfObject, options: TcpOptions, { walked }: TcpObject): void {
  const { memoryV1, hostNetns, ignoredPorts } = tcpLayouts.rodata.fields;
  object.setInitial('.rodata', memoryV1.offset, flag(options.hierarchy.version === 1));
  object.setInitial('.rodata', hostNetns.offset, int32(options.hostNetnsInode));
  object.setInitial('.rodata', ignoredPorts.offset, options.ignoredPorts);
  if (options.maxCounts !== undefined) object.setMaxEntries('tcp_counts', options.maxCounts);
  if (options.maxSockets !== undefined) object.setMaxEntries(walked, options.maxSockets);
  if (options.maxOverflow !== undefined) object.setMaxEntries('tcp_overflow', options.maxOverflow);
}

function program(
  object: BpfObject,
  source: TcpSource,
  { walked }: TcpObject,
  iterator: number | undefined,
): TcpProgram {
  let walk = 0;
  let entries: Record<string, number> = {};
  return {
    source: source.name,
    walks: iterator !== undefined,
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
      programs: iterator === undefined ? source.programs : [...source.programs, 'tcp_active'],
      maps: [...new Set(['tcp_counts', 'tcp_overflow', 'tcp_sockets', walked])],
      entries,
      refused: refusedOf(object, source, walked),
      ringDropped: {},
    }),
    close: () => object.close(),
  };
}

function refusedOf(
  object: BpfObject,
  source: TcpSource,
  walked: TcpObject['walked'],
): KernelFigures['refused'] {
  const { offset, size } = tcpLayouts.bss.fields.refused;
  const bytes = object.readGlobal('.bss', offset, size);
  const { tcpCounts, tcpOverflow, socketStorage, tcpOpen } = tcpLayouts.tcpRefused.fields;
  const count = (field: { offset: number }): number => uint64(bytes, field.offset);
  return [
    { map: 'tcp_counts', reason: 'full', count: count(tcpCounts) },
    { map: 'tcp_overflow', reason: 'full', count: count(tcpOverflow) },
    { map: 'tcp_sockets', reason: source.refusal, count: count(socketStorage) },
    ...(walked === 'tcp_open' ? [{ map: walked, reason: 'full', count: count(tcpOpen) }] : []),
  ];
}
