import type { BpfObject } from '../native/addon.ts';

/** What the kernel tells of connections through, best first; the label `source` of `node_agent_kernel_source`. */
export type TcpSourceName = 'sockops' | 'tp_btf' | 'raw_tp';

/** One way to count. All have the same maps, the same global variables and a walk `tcp_active` over their sockets. */
export interface TcpSource {
  readonly name: TcpSourceName;
  /** Built objects without `.bpf.o`, best first: a verifier refuses an object for what it never runs. */
  readonly objects: readonly string[];
  /** Programs in the order in which they are attached; the walk is apart. */
  readonly programs: readonly string[];
  /** Whether it sits on the root of the cgroup v2 tree. */
  readonly onCgroup: boolean;
  /** What `tcp_sockets` has refused when it refuses. */
  readonly refusal: string;
}

const onTracepoints = ['tcp_state', 'tcp_state_2', 'tcp_state_3', 'tcp_state_4', 'tcp_destroy'];

/** What each of them needs and loses stands at the head of its program in `ebpf/`. */
export const tcpSources: readonly TcpSource[] = [
  {
    name: 'sockops',
    objects: ['tcp_sockops'],
    programs: ['tcp_connects'],
    onCgroup: true,
    refusal: 'socket_storage',
  },
  {
    name: 'tp_btf',
    objects: ['tcp_tp_btf'],
    programs: onTracepoints,
    onCgroup: false,
    refusal: 'socket_storage',
  },
  {
    name: 'raw_tp',
    objects: ['tcp_raw_tp', 'tcp_raw_tp_plain'],
    programs: onTracepoints,
    onCgroup: false,
    refusal: 'full',
  },
];

/** Attaches what has been loaded. Answers the link of the walk. */
export function attachSource(
  object: BpfObject,
  source: TcpSource,
  cgroupPath: string,
  walks: boolean,
): number | undefined {
  const walk = walks ? object.attach('tcp_active', { iterMap: 'tcp_sockets' }) : undefined;
  for (const program of source.programs) object.attach(program, ...(source.onCgroup ? [{ cgroupPath }] : []));
  return walk;
}
