import type { CgroupDirectory, ContainerDirectory, ContainerList } from '../model/containers.ts';
import type { Clock } from '../host/clock.ts';
import { identify, sandboxOf, type IdentityRules } from './identity.ts';
import type { Member } from './member.ts';
import { Questions, type QuestionAskers } from './questions.ts';
import { UserQuota } from './quota.ts';
import { Roster, type HiddenContainers, type RosterRules } from './roster.ts';

export type DirectoryRules = IdentityRules & RosterRules;

/** Who knows what paths do not tell. */
export interface Askers extends QuestionAskers {
  /** Processes, for the id of the sandbox that runs in the cgroup of a pod itself. */
  readonly findSandbox?: (path: string) => Promise<string | undefined>;
  /** Processes, for what they switch off: called when a container starts. */
  readonly onStart?: (container: Member) => void;
}

/** How long a cgroup or container that is gone keeps its name: late counts still find it. */
const keepGoneMs = 10 * 60_000;
/** More cgroups than this are not remembered; their counts show up as hidden. */
const maxCgroups = 65_536;

interface Cgroup {
  container: Member | undefined;
  /** The topmost cgroup of its container that it lies in. */
  topId: number | undefined;
  /** What somebody was asked for because of it. */
  key: string | undefined;
  /** Of a pod itself, until its first process came. */
  sandboxPath?: string | undefined;
  goneAtMs: number | undefined;
}

/** Who exists, by cgroup. Fed by kernel events and by walks; what paths do not tell comes from those who are asked. */
export class Directory implements ContainerDirectory, CgroupDirectory, ContainerList {
  readonly #cgroups = new Map<number, Cgroup>();
  readonly #quota = new UserQuota();
  readonly #roster: Roster;
  readonly #questions: Questions;
  readonly #askers: Askers;
  readonly clock: Clock;
  readonly rules: DirectoryRules;
  /** Cgroups that found no place. */
  refused = 0;

  constructor(rules: DirectoryRules, clock: Clock, askers: Askers = {}) {
    this.rules = rules;
    this.clock = clock;
    this.#askers = askers;
    this.#roster = new Roster(rules, clock);
    this.#questions = new Questions(this.#roster, rules, clock, askers, (cgroups, container) => {
      for (const cgroupId of cgroups) {
        const cgroup = this.#cgroups.get(cgroupId);
        if (cgroup === undefined) continue;
        cgroup.container = container;
        cgroup.topId = container?.topOf(cgroupId) ?? cgroup.topId;
      }
    });
  }

  byCgroup(cgroupId: number): Member | undefined {
    return this.#cgroups.get(cgroupId)?.container;
  }

  topOf(cgroupId: number): number | undefined {
    const cgroup = this.#cgroups.get(cgroupId);
    if (cgroup === undefined) return undefined;
    // One above it may have been found later; of one that is gone the last word counts.
    if (cgroup.goneAtMs === undefined) cgroup.topId = cgroup.container?.topOf(cgroupId) ?? cgroup.topId;
    return cgroup.topId;
  }

  exists(cgroupId: number): boolean {
    const cgroup = this.#cgroups.get(cgroupId);
    return cgroup !== undefined && cgroup.goneAtMs === undefined;
  }

  knows(cgroupId: number): boolean {
    return this.#cgroups.has(cgroupId);
  }

  /** Whether there is no place for one more cgroup, here; who asks is counted. */
  refuses(path: string): boolean {
    const refuses = this.#cgroups.size >= maxCgroups || this.#quota.isFullFor(path);
    if (refuses) this.refused++;
    return refuses;
  }

  all(): Iterable<Member> {
    return this.#roster.all();
  }

  get size(): number {
    return this.#roster.size;
  }

  /** Containers that no runtime has named so far. */
  get unnamed(): number {
    return this.#roster.unnamed;
  }

  /** Containers that found no place of their own and are summed under one id. */
  get folded(): number {
    return this.#roster.folded;
  }

  hidden(): HiddenContainers {
    return this.#roster.hidden();
  }

  /**
   * A cgroup exists; `bornMs` is its creation or the start of its oldest process, on the monotonic clock. `wasThere`: before
   * anybody looked.
   */
  add(cgroupId: number, path: string, bornMs: number, wasThere = false): void {
    const known = this.#cgroups.get(cgroupId);
    if (known !== undefined) {
      // A walk that began before the removal must not bring the cgroup back: ids are never reused.
      known.container?.wasBorn(bornMs);
      return;
    }
    if (this.refuses(path)) return;
    this.#quota.take(cgroupId, path);
    const identity = identify(path, this.rules);
    const { container, key } = this.#questions.containerAt(path, identity, bornMs);
    const topId = container?.began(cgroupId, path);
    if (container !== undefined && wasThere) container.wasThere = true;
    const sandboxPath = 'mayBeSandbox' in identity && identity.mayBeSandbox === true ? path : undefined;
    this.#cgroups.set(cgroupId, { container, topId, key, sandboxPath, goneAtMs: undefined });
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
    const cgroup = this.#cgroups.get(cgroupId);
    if (populated && cgroup?.sandboxPath !== undefined)
      void this.#findSandbox(cgroupId, cgroup, cgroup.sandboxPath);
    const isStart = cgroup?.container?.populate(cgroupId, populated);
    if (isStart === true) this.#askers.onStart?.(cgroup!.container!);
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
    for (const [id, { goneAtMs, key, container }] of this.#cgroups) {
      if (goneAtMs !== undefined && goneAtMs < before) {
        this.#cgroups.delete(id);
        this.#quota.giveBack(id);
        container?.unnamed?.cgroups.delete(id);
      } else if (key !== undefined) asked.add(key);
    }
    this.#roster.forgetDead(before);
    this.#questions.tidy(asked);
  }

  async #findSandbox(cgroupId: number, cgroup: Cgroup, path: string): Promise<void> {
    cgroup.sandboxPath = undefined;
    const runtimeId = await this.#askers.findSandbox?.(path).catch(() => undefined);
    if (runtimeId === undefined || cgroup.goneAtMs !== undefined) return;
    const { container, key } = this.#questions.containerAt(
      path,
      sandboxOf(path, runtimeId),
      this.clock.monotonic(),
    );
    Object.assign(cgroup, { container, key, topId: container?.began(cgroupId, path) });
    this.populate(cgroupId, true);
  }
}
