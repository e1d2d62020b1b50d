/** Two network namespaces that are linked, and what their kernel counts of TCP. */
import { spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';

export interface Link {
  /** Both namespaces end when its standard input does. */
  readonly child: ChildProcess;
  /** A process in the namespace that has the end c0, 10.8.7.1. */
  readonly near: string;
  /** A process in the one that has r0, 10.8.7.2. */
  readonly far: string;
}

/** Two namespaces of one link; its second end is r0. They end with the process. */
const twoNamespaces = `
  unshare --net sh -c 'ip link set lo up; exec sleep 1000' & other=$!
  trap 'kill $other' EXIT
  until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
  ip link add c0 type veth peer name r0 netns $other
  ip address add 10.8.7.1/24 dev c0
  ip link set c0 up
  nsenter --net=/proc/$other/ns/net sh -ec 'ip address add 10.8.7.2/24 dev r0; ip link set r0 up'
  echo $other
  cat`;

/** Undefined where there is no ip or veth. */
export async function linked(): Promise<Link | undefined> {
  const child = spawn('unshare', ['--net', 'bash', '-ec', twoNamespaces], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const [said] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown];
  if (!Buffer.isBuffer(said)) return undefined;
  return { child, near: String(child.pid), far: said.toString().trim() };
}

/** Runs a command in the network namespace of a process. */
function inside(pid: string, ...command: string[]): SpawnSyncReturns<string> {
  return spawnSync('nsenter', [`--net=/proc/${pid}/ns/net`, ...command], { encoding: 'utf8' });
}

export function setFarLink({ far }: Link, state: 'up' | 'down'): void {
  inside(far, 'ip', 'link', 'set', 'r0', state);
}

/** What leaves the near end is treated as netem is told (tc-netem(8)); false where the kernel has no netem. */
export function impair({ near }: Link, ...how: string[]): boolean {
  return inside(near, 'tc', 'qdisc', 'replace', 'dev', 'c0', 'root', 'netem', ...how).status === 0;
}

/** RetransSegs of /proc/net/snmp: what was sent again, SYNs and their answers included. */
export const retransmitted = (pid: string): number => figure(pid, 'snmp', 'Tcp:', 'RetransSegs');

/** TCPSynRetrans of /proc/net/netstat: of that, SYNs and their answers. */
export const synRetransmitted = (pid: string): number => figure(pid, 'netstat', 'TcpExt:', 'TCPSynRetrans');

function figure(pid: string, file: string, protocol: string, name: string): number {
  const [names = '', values = ''] = inside(pid, 'cat', `/proc/net/${file}`)
    .stdout.split('\n')
    .filter((line) => line.startsWith(protocol));
  return Number(values.split(' ')[names.split(' ').indexOf(name)]);
}
