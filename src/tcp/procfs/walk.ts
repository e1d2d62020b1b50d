import { open } from 'node:fs/promises';
import type { Hierarchy } from '../../kernel/hierarchy.ts';
import type { Addon } from '../../native/addon.ts';
import { turns } from '../../turns.ts';
import { destinationCounts } from './destinations.ts';
import {
  cgroupIds,
  maxDescriptors,
  netNamespace,
  processIds,
  socketsOf,
  visibleProcesses,
} from './processes.ts';
import { listeningSockets, type ListeningSocket } from './listens.ts';
import { decodeDiag, socketsRequest, type Traffic } from './diag.ts';
import { listening, openStates, parseSockets, type ProcSocket } from './sockets.ts';

/** About 100,000 sockets of a namespace; the rest of a longer file is not read. */
const maxFileBytes = 16 << 20;
const maxSockets = 262_144;
const diagTimeoutMs = 1000;

export interface ProcfsDeps {
  readonly proc: string;
  readonly hierarchy: Hierarchy;
  /** As in `TcpOptions`. */
  readonly hostNetnsInode: number;
  readonly ignoredPorts: Uint8Array;
  /** With it sock_diag is asked, which tells more than files of procfs do. */
  readonly addon?: Pick<Addon, 'netlinkRequest'> | undefined;
}

/** Open connections of one cgroup to one destination. */
export interface OpenConnections {
  /** 0: nobody of the processes that may be looked at holds them. */
  readonly cgroupId: number;
  readonly address: Uint8Array;
  readonly port: number;
  count: number;
  /** Of those that sock_diag has told of. */
  readonly traffic: Traffic[];
}

/** What procfs tells of connections. */
export interface ProcfsWalk {
  readonly open: readonly OpenConnections[];
  /** Those that somebody may be found to hold, with the cgroup. */
  readonly listens: readonly (readonly [cgroupId: number, socket: ListeningSocket])[];
}

/**
 * Open outbound connections by procfs alone. It does not tell who connected to whom: a connection whose own port
 * somebody listens on in the same network namespace counts as accepted. A socket that several processes hold is the
 * first one's; one that listens is the last one's, because who starts others opens it for them. What is not seen:
 * namespaces without a process, and those of processes that may not be looked at.
 */
export async function walkProcfs(deps: ProcfsDeps): Promise<ProcfsWalk> {
  const { proc, hierarchy } = deps;
  const turn = turns();
  const pids = visibleProcesses(proc, processIds(proc));
  const { outbound: ownerless, listens } = await socketsOfAll(deps, pids, turn);
  const listeners = new Map<number, number>();
  const found = new Map<string, OpenConnections>();
  const add = (cgroupId: number, { address, port, traffic }: ProcSocket): void => {
    const key = `${cgroupId} ${port} ${address.toString('latin1')}`;
    let entry = found.get(key);
    if (entry === undefined) found.set(key, (entry = { cgroupId, address, port, count: 0, traffic: [] }));
    entry.count++;
    if (traffic !== undefined) entry.traffic.push(traffic);
  };

  const cgroupOf = cgroupIds(proc, hierarchy);
  let left = maxDescriptors;
  for (const pid of pids) {
    if (ownerless.size + listens.size === 0 || left <= 0) break;
    for (const inode of socketsOf(proc, pid, left)) {
      left--;
      await turn();
      const socket = inode === undefined ? undefined : ownerless.get(inode);
      if (inode !== undefined && listens.has(inode)) listeners.set(inode, pid);
      if (inode === undefined || socket === undefined) continue;
      ownerless.delete(inode);
      add(cgroupOf(pid), socket);
    }
    await turn();
  }
  for (const socket of ownerless.values()) add(0, socket);
  const owned = [...listeners].map(([inode, pid]) => [cgroupOf(pid), listens.get(inode)!] as const);
  return { open: [...found.values()], listens: owned.filter(([cgroupId]) => cgroupId !== 0) };
}

/** By inode, over all namespaces of the processes. */
async function socketsOfAll(
  { proc, hostNetnsInode, ignoredPorts, addon }: ProcfsDeps,
  pids: readonly number[],
  turn: ReturnType<typeof turns>,
): Promise<{ outbound: Map<number, ProcSocket>; listens: Map<number, ListeningSocket> }> {
  const namespaces = new Map<number, number | 'self'>([[netNamespace(proc, 'self') ?? 0, 'self']]);
  for (const pid of pids) {
    const inode = netNamespace(proc, pid);
    if (inode !== undefined && !namespaces.has(inode)) namespaces.set(inode, pid);
    await turn();
  }

  const outbound = new Map<number, ProcSocket>();
  const listens = new Map<number, ListeningSocket>();
  const isIgnored = (port: number): boolean => ((ignoredPorts[port >> 3]! >> (port & 7)) & 1) === 1;
  for (const [inode, pid] of namespaces) {
    const loopbackCounts = hostNetnsInode === 0 || inode === hostNetnsInode;
    const listeners: ProcSocket[] = [];
    const connected: ProcSocket[] = [];
    for (const family of ['ipv4', 'ipv6'] as const) {
      for (const socket of await socketsIn(`${proc}/${pid}`, pid === 'self', family, addon)) {
        await turn();
        if (socket.state === listening) listeners.push(socket);
        else if (openStates.has(socket.state) && socket.inode > 0) connected.push(socket);
      }
    }
    for (const socket of listeningSockets(listeners, inode))
      if (listens.size < maxSockets && !isIgnored(socket.localPort)) listens.set(socket.inode, socket);
    const accepting = new Set(listeners.map(({ localPort }) => localPort));
    for (const socket of connected) {
      if (outbound.size >= maxSockets) return { outbound, listens };
      if (accepting.has(socket.localPort) || !destinationCounts(socket, ignoredPorts, loopbackCounts))
        continue;
      outbound.set(socket.inode, socket);
    }
  }
  return { outbound, listens };
}

/** Of the network namespace of a process; by procfs where sock_diag does not answer. */
async function socketsIn(
  process: string,
  isOurs: boolean,
  family: 'ipv4' | 'ipv6',
  addon: ProcfsDeps['addon'],
): Promise<Iterable<ProcSocket>> {
  const answer = await addon
    ?.netlinkRequest(isOurs ? null : `${process}/ns/net`, socketsRequest(family), diagTimeoutMs)
    .catch(() => undefined);
  if (answer !== undefined) return decodeDiag(answer);
  return parseSockets(await readSome(`${process}/net/${family === 'ipv4' ? 'tcp' : 'tcp6'}`));
}

/** The text of a file of procfs, up to a bound; empty when it cannot be read (no IPv6, no process any more). */
async function readSome(path: string): Promise<string> {
  const handle = await open(path).catch(() => undefined);
  if (handle === undefined) return '';
  const chunks: Buffer[] = [];
  try {
    for (let length = 0; length < maxFileBytes;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(64 << 10));
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
    }
  } catch {
    // What was read until then counts.
  } finally {
    await handle.close();
  }
  return Buffer.concat(chunks).toString('latin1');
}
