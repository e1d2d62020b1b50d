import type { Attributes } from '@opentelemetry/api';
import type { Container, ContainerDirectory, ContainerList, ListedContainer } from '../model/containers.ts';
import type { Clock } from '../host/clock.ts';
import { appIdOf } from './app-id.ts';
import { identify } from './identity.ts';

/** Ages are kept on the monotonic clock: setting the wall clock must neither hide nor age a container. */
export interface DirectoryRules {
  readonly skipSystemServices: boolean;
  /** Younger containers are not shown; 0 shows all. */
  readonly minAgeMs: number;
  readonly allow?: RegExp | undefined;
  /** Checked before `allow`. */
  readonly deny?: RegExp | undefined;
}

/** How long a cgroup or container that is gone keeps its name: late counts still find it. */
const keepGoneMs = 10 * 60_000;
/** More cgroups than this are not remembered; their counts show up as hidden. */
const maxCgroups = 65_536;

interface Cgroup {
  readonly container: Member | undefined;
  goneAtMs: number | undefined;
}

class Member implements ListedContainer {
  readonly id: string;
  readonly labels: Attributes;
  readonly #directory: { readonly clock: Clock; readonly rules: DirectoryRules };
  firstSeenMs: number;
  /** Cgroups of this container that still exist, in the order of their creation. */
  readonly #paths = new Map<number, string>();
  #top: string | undefined;
  diedAtMs: number | undefined;

  constructor(id: string, firstSeenMs: number, directory: { clock: Clock; rules: DirectoryRules }) {
    this.id = id;
    this.labels = { app_id: appIdOf(id), container_id: id };
    this.firstSeenMs = firstSeenMs;
    this.#directory = directory;
  }

  get visible(): boolean {
    const { clock, rules } = this.#directory;
    return (this.diedAtMs ?? clock.monotonic()) - this.firstSeenMs >= rules.minAgeMs;
  }

  get cgroup(): string | undefined {
    this.#top ??= youngestTop(this.#paths.values());
    return this.#top;
  }

  began(cgroupId: number, path: string): void {
    this.#paths.set(cgroupId, path);
    this.#top = undefined;
    this.diedAtMs = undefined;
  }

  ended(cgroupId: number, atMs: number): void {
    this.#paths.delete(cgroupId);
    this.#top = undefined;
    if (this.#paths.size === 0) this.diedAtMs = atMs;
  }
}

/** The last of those that lie in no other. */
function youngestTop(paths: Iterable<string>): string | undefined {
  let tops: string[] = [];
  for (const path of paths) {
    if (tops.some((top) => path.startsWith(`${top}/`))) continue;
    tops = tops.filter((top) => !top.startsWith(`${path}/`));
    tops.push(path);
  }
  return tops.at(-1);
}

/** Who exists, by cgroup. Fed by kernel events and by walks; it asks nobody itself. */
export class Directory implements ContainerDirectory, ContainerList {
  readonly #cgroups = new Map<number, Cgroup>();
  readonly #containers = new Map<string, Member>();
  readonly clock: Clock;
  readonly rules: DirectoryRules;
  /** Cgroups that found no place. */
  refused = 0;

  constructor(rules: DirectoryRules, clock: Clock) {
    this.rules = rules;
    this.clock = clock;
  }

  byCgroup(cgroupId: number): Container | undefined {
    return this.#cgroups.get(cgroupId)?.container;
  }

  knows(cgroupId: number): boolean {
    return this.#cgroups.has(cgroupId);
  }

  all(): Iterable<ListedContainer> {
    return this.#containers.values();
  }

  get size(): number {
    return this.#containers.size;
  }

  /** A cgroup exists; `bornMs` is its creation or the start of its oldest process, on the monotonic clock. */
  add(cgroupId: number, path: string, bornMs: number): void {
    const known = this.#cgroups.get(cgroupId);
    if (known !== undefined) {
      // A walk that began before the removal must not bring the cgroup back: ids are never reused.
      if (known.container !== undefined)
        known.container.firstSeenMs = Math.min(known.container.firstSeenMs, bornMs);
      return;
    }
    if (this.#cgroups.size >= maxCgroups) {
      this.refused++;
      return;
    }
    const container = this.#containerOf(path, bornMs);
    container?.began(cgroupId, path);
    this.#cgroups.set(cgroupId, { container, goneAtMs: undefined });
  }

  /** The cgroup was removed. Its name stays for late counts. */
  remove(cgroupId: number): void {
    const cgroup = this.#cgroups.get(cgroupId);
    if (cgroup === undefined || cgroup.goneAtMs !== undefined) return;
    cgroup.goneAtMs = this.clock.monotonic();
    cgroup.container?.ended(cgroupId, cgroup.goneAtMs);
  }

  /** After a complete walk: what it did not find is gone. */
  retain(found: ReadonlySet<number>, knownBefore: ReadonlySet<number>): void {
    for (const id of knownBefore) if (!found.has(id)) this.remove(id);
  }

  /** Ids of the cgroups that exist as far as we know. */
  existing(): Set<number> {
    return new Set(
      [...this.#cgroups].filter(([, cgroup]) => cgroup.goneAtMs === undefined).map(([id]) => id),
    );
  }

  /** Forgets what has been gone for ten minutes. */
  forgetGone(): void {
    const before = this.clock.monotonic() - keepGoneMs;
    for (const [id, { goneAtMs }] of this.#cgroups) {
      if (goneAtMs !== undefined && goneAtMs < before) this.#cgroups.delete(id);
    }
    for (const [id, { diedAtMs }] of this.#containers) {
      if (diedAtMs !== undefined && diedAtMs < before) this.#containers.delete(id);
    }
  }

  #containerOf(path: string, bornMs: number): Member | undefined {
    const identity = identify(path, this.rules);
    if ('ignored' in identity) return undefined;
    const { id } = identity;
    if (this.rules.deny?.test(id)) return undefined;
    if (this.rules.allow !== undefined && !this.rules.allow.test(id)) return undefined;
    let container = this.#containers.get(id);
    if (container === undefined) {
      container = new Member(id, bornMs, this);
      this.#containers.set(id, container);
    }
    container.firstSeenMs = Math.min(container.firstSeenMs, bornMs);
    return container;
  }
}
