import type { CgroupDirectory, ContainerDirectory, ContainerList } from '../model/containers.ts';
import type { Clock } from '../host/clock.ts';
import type { Asker, Named, Unnamed } from './asker.ts';
import { identify } from './identity.ts';
import { Member } from './member.ts';

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
/** A container whose runtime has not told its name for so long is shown under the short id that its path tells. */
const holdMs = 10_000;

interface Cgroup {
  container: Member | undefined;
  /** The topmost cgroup of its container that it lies in. */
  readonly topId: number | undefined;
  readonly runtimeId: string | undefined;
  goneAtMs: number | undefined;
}

const nobodys: Cgroup = {
  container: undefined,
  topId: undefined,
  runtimeId: undefined,
  goneAtMs: undefined,
};

/** Who exists, by cgroup. Fed by kernel events and by walks; names that only runtimes know come by `ask`. */
export class Directory implements ContainerDirectory, CgroupDirectory, ContainerList {
  readonly #cgroups = new Map<number, Cgroup>();
  readonly #containers = new Map<string, Member>();
  /** What runtimes were asked for: a container without a name, the named one, or undefined for what is no container. */
  readonly #byRuntimeId = new Map<string, Member | undefined>();
  readonly #ask: Asker['ask'] | undefined;
  readonly clock: Clock;
  readonly rules: DirectoryRules;
  /** Cgroups that found no place. */
  refused = 0;

  constructor(rules: DirectoryRules, clock: Clock, ask?: Asker['ask']) {
    this.rules = rules;
    this.clock = clock;
    this.#ask = ask;
  }

  byCgroup(cgroupId: number): Member | undefined {
    return this.#cgroups.get(cgroupId)?.container;
  }

  topOf(cgroupId: number): number | undefined {
    return this.#cgroups.get(cgroupId)?.topId;
  }

  exists(cgroupId: number): boolean {
    const cgroup = this.#cgroups.get(cgroupId);
    return cgroup !== undefined && cgroup.goneAtMs === undefined;
  }

  knows(cgroupId: number): boolean {
    return this.#cgroups.has(cgroupId);
  }

  all(): Iterable<Member> {
    return this.#containers.values();
  }

  get size(): number {
    return this.#containers.size;
  }

  /**
   * A cgroup exists; `bornMs` is its creation or the start of its oldest process, on the monotonic clock. `wasThere`: before
   * anybody looked.
   */
  add(cgroupId: number, path: string, bornMs: number, wasThere = false): void {
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
    const identity = identify(path, this.rules);
    if ('ignored' in identity) {
      this.#cgroups.set(cgroupId, { ...nobodys });
      return;
    }
    const { id, unnamed } = identity;
    const container =
      unnamed === undefined || this.#ask === undefined
        ? this.#memberOf(id, bornMs)
        : this.#memberWithoutName(unnamed, id, bornMs);
    const topId = container?.began(cgroupId, path);
    if (container !== undefined && wasThere) container.wasThere = true;
    this.#cgroups.set(cgroupId, { container, topId, runtimeId: unnamed?.runtimeId, goneAtMs: undefined });
  }

  /** The cgroup was removed. Its name stays for late counts. */
  remove(cgroupId: number): void {
    const cgroup = this.#cgroups.get(cgroupId);
    if (cgroup === undefined || cgroup.goneAtMs !== undefined) return;
    cgroup.goneAtMs = this.clock.monotonic();
    cgroup.container?.ended(cgroupId, cgroup.goneAtMs);
  }

  /** The cgroup, itself or below it, got its first process or lost the last. */
  populate(cgroupId: number, populated: boolean): void {
    this.#cgroups.get(cgroupId)?.container?.populate(cgroupId, populated);
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
    const asked = new Set<string>();
    for (const [id, { goneAtMs, runtimeId, container }] of this.#cgroups) {
      if (goneAtMs !== undefined && goneAtMs < before) {
        this.#cgroups.delete(id);
        container?.unnamed?.cgroups.delete(id);
      } else if (runtimeId !== undefined) asked.add(runtimeId);
    }
    for (const [id, { diedAtMs }] of this.#containers) {
      if (diedAtMs !== undefined && diedAtMs < before) this.#containers.delete(id);
    }
    for (const runtimeId of this.#byRuntimeId.keys())
      if (!asked.has(runtimeId)) this.#byRuntimeId.delete(runtimeId);
  }

  /** Containers that no runtime has named so far. */
  get unnamed(): number {
    return [...this.#byRuntimeId.values()].filter((member) => member?.unnamed !== undefined).length;
  }

  #memberOf(id: string, bornMs: number): Member | undefined {
    if (!this.#admits(id)) return undefined;
    let container = this.#containers.get(id);
    if (container === undefined) {
      container = this.#newMember(id, bornMs);
      this.#containers.set(id, container);
    }
    container.firstSeenMs = Math.min(container.firstSeenMs, bornMs);
    return container;
  }

  #memberWithoutName(unnamed: Unnamed, id: string, bornMs: number): Member | undefined {
    const { runtimeId } = unnamed;
    if (this.#byRuntimeId.has(runtimeId)) {
      const known = this.#byRuntimeId.get(runtimeId);
      if (known !== undefined) known.firstSeenMs = Math.min(known.firstSeenMs, bornMs);
      return known;
    }
    const member = this.#newMember(id, bornMs);
    // Under its name it may be denied.
    const isHidden = this.rules.deny !== undefined || !this.#admits(id);
    const heldUntilMs = isHidden ? Infinity : this.clock.monotonic() + holdMs;
    const { cgroups } = (member.unnamed = { cgroups: new Set<number>(), heldUntilMs });
    this.#byRuntimeId.set(runtimeId, member);
    this.#containers.set(keyOfUnnamed(runtimeId), member);
    this.#ask?.(unnamed, {
      wanted: () => this.#byRuntimeId.get(runtimeId) === member,
      onNamed: (named) => this.#onNamed(runtimeId, member, named),
      onNobody: () => {
        if (heldUntilMs !== Infinity) member.unnamed = { cgroups, heldUntilMs: 0 };
      },
    });
    return member;
  }

  #onNamed(runtimeId: string, member: Member, { id, image }: Named): void {
    this.#containers.delete(keyOfUnnamed(runtimeId));
    const container = id === 'ignored' ? undefined : this.#memberOf(id, member.firstSeenMs);
    this.#byRuntimeId.set(runtimeId, container);
    if (container !== undefined) container.image = image;
    member.becomes(container);
    for (const cgroupId of member.unnamed?.cgroups ?? []) {
      const cgroup = this.#cgroups.get(cgroupId);
      if (cgroup !== undefined) cgroup.container = container;
    }
  }

  #newMember(id: string, bornMs: number): Member {
    return new Member(id, bornMs, { clock: this.clock, minAgeMs: this.rules.minAgeMs });
  }

  #admits(id: string): boolean {
    const { allow, deny } = this.rules;
    return deny?.test(id) !== true && (allow === undefined || allow.test(id));
  }
}

/** Apart from the ids of those that have a name. */
function keyOfUnnamed(runtimeId: string): string {
  return `unnamed ${runtimeId}`;
}
