import { readlinkSync } from 'node:fs';
import { RTM_GETADDR, RTM_GETLINK } from '../host/rtnetlink.ts';
import type { HostView } from '../host/view.ts';
import type { ListedContainer } from '../model/containers.ts';
import type { Addon } from '../native/addon.ts';
import { turns } from '../turns.ts';
import { addressesUp } from './addresses.ts';
import type { Addresses } from './expansion.ts';
import { processesOf, type PidsOf } from './processes.ts';

export interface NamespaceDeps {
  /** Undefined: no addresses are known. */
  readonly addon: Pick<Addon, 'netlinkDump'> | undefined;
  readonly view: Pick<HostView, 'paths' | 'netNamespace' | 'netNamespaceInode'>;
  readonly pidsOf: PidsOf;
  /** On the monotonic clock. */
  readonly nowMs: () => number;
  readonly maxNamespaces?: number;
}

export interface Namespaces {
  /** Addresses of a network namespace in which a container listens, none while they are not known; from now on they are looked for. */
  of(inode: number, container: ListedContainer): Addresses;
  /** Those of the host. */
  ofHost(): Addresses;
  /** Addresses and namespaces that found no room since the last round ended. */
  refused(): number;
  /** Ends a round of questions: looks for what is due, in the background, and forgets what nobody has asked for. */
  refresh(): Promise<void>;
}

/** Of one namespace: load balancers give an interface thousands. */
const maxAddresses = 1024;
const dumpTimeoutMs = 1000;
/** Between two looks, where there was an answer and where there was none. */
const againMs = 60_000;
const soonMs = 5000;

interface Namespace {
  /** Through whose processes it can be entered. */
  container: ListedContainer | undefined;
  addresses: Addresses | undefined;
  /** Addresses beyond what is kept. */
  beyond: number;
  round: number;
  dueMs: number;
}

/** Addresses of network namespaces, looked up once a minute while somebody wants them. */
export function namespaces({ addon, view, pidsOf, nowMs, maxNamespaces = 1024 }: NamespaceDeps): Namespaces {
  const { proc } = view.paths;
  const known = new Map<number, Namespace>();
  let round = 0;
  let refused = 0;
  let looking: Promise<void> | undefined;

  const of = (inode: number, container: ListedContainer | undefined): Addresses => {
    let namespace = known.get(inode);
    if (namespace === undefined) {
      if (known.size >= maxNamespaces) {
        refused++;
        return [];
      }
      namespace = { container, addresses: undefined, beyond: 0, round, dueMs: -Infinity };
      known.set(inode, namespace);
    }
    namespace.container = container ?? namespace.container;
    namespace.round = round;
    return namespace.addresses ?? [];
  };

  /** A file that is the namespace, null for our own; undefined when there is none. */
  const fileOf = (inode: number, pids: readonly string[]): string | null | undefined => {
    const isIt = (who: string): boolean => netNamespaceOf(`${proc}/${who}/ns/net`) === inode;
    if (isIt('self')) return null;
    if (inode === view.netNamespaceInode && view.netNamespace !== null) return view.netNamespace;
    const pid = pids.find(isIt);
    return pid === undefined ? undefined : `${proc}/${pid}/ns/net`;
  };

  const read = async (inode: number, pids: readonly string[]): Promise<Addresses | undefined> => {
    const file = fileOf(inode, pids);
    if (addon === undefined || file === undefined) return undefined;
    try {
      const [links, addresses] = await Promise.all([
        addon.netlinkDump(file, RTM_GETLINK, dumpTimeoutMs),
        addon.netlinkDump(file, RTM_GETADDR, dumpTimeoutMs),
      ]);
      // The process may have made way for another meanwhile.
      return file === null || netNamespaceOf(file) === inode ? addressesUp(links, addresses) : undefined;
    } catch {
      return undefined;
    }
  };

  const look = async (): Promise<void> => {
    const due = [...known].filter(([, { dueMs }]) => dueMs <= nowMs());
    if (due.length === 0) return;
    const pids = await processesOf(
      due.map(([, { container }]) => container),
      pidsOf,
    );
    const turn = turns();
    for (const [inode, namespace] of due) {
      const found = await read(inode, pids(namespace.container));
      namespace.addresses = found?.slice(0, maxAddresses);
      namespace.beyond = (found?.length ?? 0) - (namespace.addresses?.length ?? 0);
      namespace.dueMs = nowMs() + (namespace.addresses === undefined ? soonMs : againMs);
      await turn();
    }
  };

  return {
    of,
    ofHost: () => (view.netNamespaceInode === 0 ? [] : of(view.netNamespaceInode, undefined)),
    refused: () => [...known.values()].reduce((sum, { beyond }) => sum + beyond, refused),
    refresh() {
      for (const [inode, namespace] of known) if (namespace.round !== round) known.delete(inode);
      round++;
      refused = 0;
      looking ??= look().finally(() => (looking = undefined));
      return looking;
    },
  };
}

/** Inode of a network namespace by its file, a link such as `net:[123]`; 0 where there is none. */
export function netNamespaceOf(file: string): number {
  try {
    return Number(/^net:\[(\d+)\]$/.exec(readlinkSync(file))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
