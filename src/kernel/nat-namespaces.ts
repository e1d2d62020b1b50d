import { statSync } from 'node:fs';
import type { TextReader } from '../host/texts.ts';
import type { ContainerList, ListedContainer } from '../model/containers.ts';
import { pidsOf } from '../model/processes.ts';
import type { NatListeners } from './nat-listeners.ts';
import type { Nat } from './nat.ts';

/** Namespaces that are listened in at once; the map of their sockets has room for more. */
const maxListening = 128;
/** After so long a namespace that translated nothing is looked at again: one that tracks nothing, and another. */
const quietMs = 60_000;
const busyMs = 300_000;

/** A network namespace of a container that has been looked at. */
interface Known {
  /** Through one of its processes. */
  path: string;
  againMs: number;
  close?: () => void;
}

export interface NatNamespaces {
  /** Looks at the namespaces of containers that have used CPU since. One at a time. */
  follow(): Promise<void>;
}

/**
 * Follows the containers that translate by themselves, such as those of a service mesh. Few do: whether one does is asked
 * seldom, and only there a socket holds on to the namespace, until its process is gone.
 */
export function natNamespaces(deps: {
  listeners: NatListeners;
  containers: ContainerList;
  /** Of the hierarchy that counts. */
  mountPoint: string;
  proc: string;
  read: TextReader;
  /** Inodes of namespaces that are followed anyhow. */
  except: readonly number[];
  nowMs: () => number;
  maxListening?: number;
}): NatNamespaces {
  const { listeners, containers, mountPoint, proc, read, except, nowMs } = deps;
  const most = deps.maxListening ?? maxListening;
  const known = new Map<number, Known>();
  const looked = new WeakMap<ListedContainer, number>();
  let listening = 0;

  const forget = (inode: number, { close }: Known): void => {
    if (close !== undefined) listening--;
    close?.();
    known.delete(inode);
  };

  const look = async (inode: number, namespace: Known): Promise<void> => {
    const entries = await listeners.count(namespace.path);
    namespace.againMs = nowMs() + (entries === 0 ? quietMs : busyMs);
    const translations = entries === 0 ? [] : await listeners.translations(namespace.path);
    if (translations.length === 0) return;
    if (listening >= most) {
      listeners.refusedNamespaces++;
      return;
    }
    const close = await listeners.open(namespace.path, inode);
    // The process may have gone, and its number been given to another, while we entered.
    if (inodeOf(namespace.path) !== inode) return close();
    listening++;
    namespace.close = close;
    listeners.keep(inode, await listeners.translations(namespace.path));
  };

  return {
    async follow() {
      for (const [inode, namespace] of known) if (inodeOf(namespace.path) !== inode) forget(inode, namespace);
      const due = [...containers.all()].filter((each) => looked.get(each) !== each.activity.runs);
      for (const container of due) looked.set(container, container.activity.runs);
      for (const pid of (await pidsOf(due, mountPoint, read)).flat()) {
        const path = `${proc}/${pid}/ns/net`;
        const inode = inodeOf(path);
        if (inode === undefined || except.includes(inode)) continue;
        const namespace = known.get(inode) ?? { path, againMs: 0 };
        known.set(inode, namespace);
        if (namespace.close !== undefined || namespace.againMs > nowMs()) continue;
        // One that cannot be entered, or is gone meanwhile, is no business of the others.
        await look(inode, namespace).catch(() => (namespace.againMs = nowMs() + busyMs));
      }
    },
  };
}

const followEveryMs = 15_000;

/** Follows from now on; what the host could not do is tried again as well. Answers how to stop. */
export function followNat(
  nat: Nat,
  deps: Omit<Parameters<typeof natNamespaces>[0], 'listeners'>,
): () => void {
  const namespaces = natNamespaces({ ...deps, listeners: nat.listeners });
  let running = false;
  const follow = async (): Promise<void> => {
    if (running) return;
    running = true;
    await nat.look();
    // Only while the agent ends is there nothing to follow with any more.
    await namespaces.follow().catch(() => {});
    running = false;
  };
  void follow();
  const timer = setInterval(() => void follow(), followEveryMs).unref();
  return () => clearInterval(timer);
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}
