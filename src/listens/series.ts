import type { Container, ListedContainer } from '../model/containers.ts';
import { isWildcard, listenAddresses, publishedAddresses } from './expansion.ts';
import type { Listen } from './model.ts';
import type { Namespaces } from './namespaces.ts';

/** Of one container: what is shown of where it listens. */
export interface ListenSeries {
  /** By address; 1: it listens. */
  readonly info: ReadonlyMap<string, number>;
  /** Addresses of the host that are passed on to it. */
  readonly published: ReadonlySet<string>;
  /** By the address that is listened on, as it is. */
  readonly queues: ReadonlyMap<string, Queue>;
  /** Addresses that found no room. */
  readonly hidden: number;
}

/** Sums of all sockets that listen there; undefined where nobody tells, or nobody listens any more. */
export interface Queue {
  readonly waiting: number | undefined;
  readonly limit: number | undefined;
  readonly drops: number | undefined;
}

export interface SeriesDeps {
  readonly namespaces: Pick<Namespaces, 'of' | 'ofHost'>;
  /** 0: loopback counts everywhere. */
  readonly hostNetnsInode: number;
  /** As from `ignoredPortBits`. */
  readonly ignoredPorts: Uint8Array;
}

/** Addresses of one container that are listened on, and series that these may make. */
const maxListens = 256;
const maxSeries = 1024;

/** `living`: the container itself while it has cgroups; without, wildcards stand for nothing. */
export function listenSeries(
  container: Container,
  living: ListedContainer | undefined,
  listens: readonly Listen[],
  deps: SeriesDeps,
): ListenSeries {
  const { namespaces, hostNetnsInode, ignoredPorts } = deps;
  const info = new Map<string, number>();
  const queues = new Map<string, Queue>();
  const beyond = new Set<string>();
  for (const { latest, bound, drops } of listens) {
    if (!queues.has(bound) && queues.size >= maxListens) {
      beyond.add(bound);
      continue;
    }
    const isOpen = latest.sockets > 0;
    const more = { waiting: isOpen ? latest.queue : undefined, limit: latest.limit, drops };
    queues.set(bound, sum(queues.get(bound), more));
    const isHost = hostNetnsInode === 0 || latest.netnsInode === hostNetnsInode;
    const own = living !== undefined && isWildcard(latest) ? namespaces.of(latest.netnsInode, living) : [];
    for (const address of listenAddresses(latest, own, isHost)) {
      if (info.has(address) || info.size < maxSeries)
        info.set(address, Math.max(info.get(address) ?? 0, isOpen ? 1 : 0));
      else beyond.add(address);
    }
  }

  const published = new Set<string>();
  const ports = living === undefined ? [] : (container.published ?? []);
  for (const port of ports) {
    if ((ignoredPorts[port.port >> 3]! >> (port.port & 7)) & 1) continue;
    for (const address of publishedAddresses(port, namespaces.ofHost())) {
      if (published.size < maxSeries) published.add(address);
      else beyond.add(`dockerd ${address}`);
    }
  }
  return { info, published, queues, hidden: beyond.size };
}

function sum(one: Queue | undefined, other: Queue): Queue {
  return {
    waiting: plus(one?.waiting, other.waiting),
    limit: plus(one?.limit, other.limit),
    drops: plus(one?.drops, other.drops),
  };
}

function plus(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : a + (b ?? 0);
}
