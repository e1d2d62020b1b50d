import type { Reason } from '../../config/capabilities.ts';
import { tcpTimeBounds } from '../catalogue/tcp.ts';
import { AgentError, codeOf, messageOf } from '../errors.ts';
import type { Features } from '../features.ts';
import type { HostPaths } from '../host/paths.ts';
import type { Addon, BpfObject } from '../native/addon.ts';
import type { Hierarchy } from './hierarchy.ts';
import { tcpLayouts } from './layouts.ts';
import { maxNetworks, networkBytes, type Network } from './networks.ts';
import { flag, int32 } from './rodata.ts';
import { requireBpf, unavailable } from './start.ts';
import { tcpProgram, type TcpProgram } from './tcp-program.ts';
import {
  attachSource,
  tcpSources,
  type TcpObject,
  type TcpSource,
  type TcpSourceName,
} from './tcp-sources.ts';

export interface TcpOptions {
  /** From `findCgroup2Root`. */
  readonly cgroup2Root: string | undefined;
  readonly hierarchy: Hierarchy;
  /** From `hostView`; loopback counts in this namespace only. 0: everywhere. */
  readonly hostNetnsInode: number;
  /** Bit p set: connections to port p do not count; 8,192 bytes. */
  readonly ignoredPorts: Uint8Array;
  /** Those that connections count to; all when there are none, or more than `maxNetworks`. */
  readonly networks?: readonly Network[];
  /** Destinations of one cgroup; the others are counted together. */
  readonly maxDestinations?: number;
  /** Sizes of the maps of {cgroup, destination} and of {cgroup} alone, when not those of the program. */
  readonly maxCounts?: number;
  readonly maxOverflow?: number;
  /** Size of the map of sockets, where there is one (`raw_tp`, and `sockops` where it walks over `tcp_open`). */
  readonly maxSockets?: number;
  /** The only source to try; `procfs` is none of the kernel's programs. By default all are tried, best first. */
  readonly source?: TcpSourceName | 'auto' | 'procfs';
  /** False: open connections are not counted. */
  readonly walks?: boolean;
  /** False: sockets that are older than the programs are not looked for. */
  readonly adopts?: boolean;
  /** Called with what has been loaded, before it counts. */
  readonly onLoaded?: (object: BpfObject) => Promise<void>;
  /** The only thing to walk over. By default what is best here. */
  readonly walked?: TcpObject['walked'];
}

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
    features.lessen('tcp_older', error);
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
  for (const way of waysOf(source, options)) {
    let without: unknown;
    for (const tried of source.objects) {
      if (options.walked !== undefined && tried.walked !== options.walked) continue;
      try {
        const elf = await readObject(tried.file);
        const program = await start(addon, elf, options, { source, tried, ...way, cgroupPath });
        const lack = refused ?? unavailable('not_wanted', 'told not to');
        for (const [feature, works] of [
          ['tcp_active', way.walks],
          ['tcp_older', way.adopts],
        ] as const)
          if (works) features.set(feature, true, '', 'by iterator');
          else features.lessen(feature, lack);
        return program;
      } catch (error) {
        without = error;
      }
    }
    refused ??= without;
  }
  throw refused;
}

interface Way {
  readonly walks: boolean;
  readonly adopts: boolean;
}

/** The best first. Only what walks knows the sockets that are adopted. */
function waysOf({ needsWalk }: TcpSource, { walks = true, adopts = true }: TcpOptions): readonly Way[] {
  const ways = [
    { walks: true, adopts: true },
    { walks: true, adopts: false },
    { walks: false, adopts: false },
  ];
  return ways.filter(
    (way) => way.walks <= walks && way.adopts <= adopts && (way.walks || !needsWalk || !walks),
  );
}

/** One try: an object of a source, walking over its sockets or not. */
interface Try extends Way {
  readonly source: TcpSource;
  readonly tried: TcpObject;
  readonly cgroupPath: string | undefined;
}

async function start(addon: Addon, elf: Uint8Array, options: TcpOptions, how: Try): Promise<TcpProgram> {
  const { source, tried, walks, adopts, cgroupPath = '' } = how;
  const object = addon.openObject(elf, 'tcp');
  try {
    configure(object, options, tried);
    for (const program of ['tcp_active', ...(source.withWalk ?? [])]) object.setAutoload(program, walks);
    object.setAutoload('tcp_adopt', adopts);
    await object.load();
    await options.onLoaded?.(object);
    object.update(
      'tcp_overflow',
      Buffer.alloc(tcpLayouts.tcpKey.size),
      Buffer.alloc(tcpLayouts.tcpValue.size),
    );
    const walked = walks ? tried.walked : undefined;
    const iterators = attachSource(object, source, cgroupPath, { walked, adopts });
    const program = tcpProgram(object, source, tried, iterators);
    await program.adopt();
    return program;
  } catch (error) {
    object.close();
    throw error;
  }
}

function configure(object: BpfObject, options: TcpOptions, { walked }: TcpObject): void {
  const { memoryV1, hostNetns, ignoredPorts, maxDestinations, histogramBoundsNs, networks, networkCount } =
    tcpLayouts.rodata.fields;
  object.setInitial('.rodata', memoryV1.offset, flag(options.hierarchy.version === 1));
  object.setInitial('.rodata', hostNetns.offset, int32(options.hostNetnsInode));
  object.setInitial('.rodata', ignoredPorts.offset, options.ignoredPorts);
  if (options.maxDestinations !== undefined)
    object.setInitial('.rodata', maxDestinations.offset, int32(options.maxDestinations));
  const { networks: counted = [] } = options;
  if (counted.length > 0 && counted.length <= maxNetworks) {
    object.setInitial('.rodata', networks.offset, networkBytes(counted));
    object.setInitial('.rodata', networkCount.offset, int32(counted.length));
  }
  const bounds = BigUint64Array.from(tcpTimeBounds, (seconds) => BigInt(Math.round(seconds * 1e9)));
  object.setInitial('.rodata', histogramBoundsNs.offset, new Uint8Array(bounds.buffer));
  if (options.maxCounts !== undefined) object.setMaxEntries('tcp_counts', options.maxCounts);
  if (options.maxSockets !== undefined) object.setMaxEntries(walked, options.maxSockets);
  if (options.maxOverflow !== undefined) object.setMaxEntries('tcp_overflow', options.maxOverflow);
}
