import type { BpfObject } from '../native/addon.ts';

/** What the kernel tells of connections through, best first; the label `source` of `node_agent_kernel_source`. */
export type TcpSourceName = 'sockops' | 'tp_btf' | 'raw_tp';

/** One way to count. All have the same global variables, the same maps of counts, and a walk `tcp_active` over sockets. */
export interface TcpSource {
  readonly name: TcpSourceName;
  /** Best first: a verifier refuses an object for what it never runs. */
  readonly objects: readonly TcpObject[];
  /** Programs in the order in which they are attached; the walk is apart. */
  readonly programs: readonly string[];
  /** Programs that need the same rights as the walk, and come with it. */
  readonly withWalk?: readonly string[];
  /** It counts too little without the walk, which makes good what its programs miss. */
  readonly needsWalk: boolean;
  /** Whether it sits on the root of the cgroup v2 tree. */
  readonly onCgroup: boolean;
  /** What `tcp_sockets` has refused when it refuses. */
  readonly refusal: string;
}

export interface TcpObject {
  /** Name of the built object without `.bpf.o`. */
  readonly file: string;
  /** What is walked over: the records themselves, or the open sockets where walking over those is not safe. */
  readonly walked: 'tcp_sockets' | 'tcp_open';
}

const walkingRecords = (file: string): TcpObject => ({ file, walked: 'tcp_sockets' });

const onTracepoints = ['tcp_state', 'tcp_state_2', 'tcp_state_3', 'tcp_state_4', 'tcp_destroy'];

/** What each of them needs and loses stands at the head of its program in `ebpf/`. */
export const tcpSources: readonly TcpSource[] = [
  {
    name: 'sockops',
    objects: [
      walkingRecords('tcp_sockops'),
      ...['tcp_sockops_open', 'tcp_sockops_plain'].map((file) => ({ file, walked: 'tcp_open' as const })),
    ],
    programs: ['tcp_connects'],
    withWalk: ['tcp_no_port'],
    needsWalk: false,
    onCgroup: true,
    refusal: 'socket_storage',
  },
  {
    name: 'tp_btf',
    objects: [walkingRecords('tcp_tp_btf')],
    programs: onTracepoints,
    needsWalk: true,
    onCgroup: false,
    refusal: 'socket_storage',
  },
  {
    name: 'raw_tp',
    objects: ['tcp_raw_tp', 'tcp_raw_tp_plain'].map(walkingRecords),
    programs: onTracepoints,
    needsWalk: false,
    onCgroup: false,
    refusal: 'full',
  },
];

/** Links of the iterators that have been loaded. */
export interface TcpIterators {
  /** Over the sockets that are known. */
  readonly active: number | undefined;
  /** Over the files of all tasks, for sockets that are not. */
  readonly adopt: number | undefined;
}

/** Attaches what has been loaded, with a walk over `walked`. */
export function attachSource(
  object: BpfObject,
  source: TcpSource,
  cgroupPath: string,
  { walked, adopts }: { walked: TcpObject['walked'] | undefined; adopts: boolean },
): TcpIterators {
  const active = walked && object.attach('tcp_active', { iterMap: walked });
  const adopt = adopts ? object.attach('tcp_adopt') : undefined;
  for (const program of (walked && source.withWalk) ?? []) object.attach(program);
  for (const program of source.programs) object.attach(program, ...(source.onCgroup ? [{ cgroupPath }] : []));
  return { active, adopt };
}
