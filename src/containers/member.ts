import type { Attributes } from '@opentelemetry/api';
import type { Clock } from '../host/clock.ts';
import type { Cgroup, ListedContainer, LogFile, PublishedPort, Switch } from '../model/containers.ts';
import { appIdOf } from './app-id.ts';
import { noFacts } from './systemd/facts.ts';

/** Whoever found no place. No container can be called so: runtimes' names are below a word of ours. */
export const otherId = '/~other';

const nothing: ReadonlySet<Switch> = new Set();

/** Files of what ran under one id: of jobs that overlap, and of those that keep starting again. */
const maxLogFiles = 16;

/** What members share. */
export interface Club {
  readonly clock: Clock;
  /** Younger containers are not shown; 0 shows all. */
  readonly minAgeMs: number;
  /** Those that are dead, the longest dead first. */
  readonly dead?: Set<Member>;
}

/** A container in question. */
export interface Unnamed {
  /** What somebody is asked for. */
  readonly key: string;
  /** Every cgroup it ever had. */
  readonly cgroups: Set<number>;
  /** It has no place of its own: it is shown under its name or among all others, and never as it is. */
  readonly isBeyond: boolean;
  /** When it is shown all the same. */
  heldUntilMs: number;
  /** When it is one of all others. */
  foldAtMs: number;
}

/** A container that the directory knows. */
export class Member implements ListedContainer {
  readonly id: string;
  readonly labels: Attributes;
  /** Its image as the runtime tells it; empty when nobody does. */
  image = '';
  published: readonly PublishedPort[] = [];
  logFiles: readonly LogFile[] = [];
  /** What systemd says of it. */
  facts = noFacts;
  switchedOff: ReadonlySet<Switch> = nothing;
  readonly activity = { runs: 0 };
  wasThere = false;
  /** On the monotonic clock. */
  firstSeenMs: number;
  #diedAtMs: number | undefined;
  /** While somebody is asked for it. */
  unnamed: Unnamed | undefined;
  /** Set once it has turned out to be another container, or none. */
  superseded = false;
  successor: Member | undefined;
  readonly #club: Club;
  /** Cgroups that still exist, in the order of their creation. */
  readonly #cgroups = new Map<number, Cgroup>();
  readonly #byPath = new Map<string, Cgroup>();
  #holdsBackground = false;
  #isMoreThanSlice = false;
  #tops: readonly Cgroup[] | undefined;
  /** Those of them that have processes, themselves or below them. */
  readonly #populated = new Set<number>();
  /** The topmost cgroup in which it ran last. */
  #ranIn: number | undefined;
  /** The topmost cgroup that came last. */
  #lastTop: number | undefined;
  /**
   * How often it got processes in a new topmost cgroup after it had lost all that it had. In the same cgroup it is still the
   * same start: what systemd runs before and after the service itself comes and goes there.
   */
  restarts = 0;

  constructor(id: string, firstSeenMs: number, club: Club) {
    this.id = id;
    this.labels = { app_id: appIdOf(id), container_id: id };
    this.firstSeenMs = firstSeenMs;
    this.#club = club;
  }

  /** When its last cgroup went. */
  get diedAtMs(): number | undefined {
    return this.#diedAtMs;
  }

  set diedAtMs(atMs: number | undefined) {
    this.#diedAtMs = atMs;
    if (atMs === undefined) this.#club.dead?.delete(this);
    else this.#club.dead?.add(this);
  }

  get visible(): boolean {
    return this.hiddenBecause === undefined;
  }

  get hiddenBecause(): 'superseded' | 'background' | 'unnamed' | 'too_young' | undefined {
    const { clock, minAgeMs } = this.#club;
    const nowMs = clock.monotonic();
    if (this.superseded) return 'superseded';
    if (this.#holdsBackground && !this.#isMoreThanSlice) return 'background';
    if (this.unnamed !== undefined && nowMs < this.unnamed.heldUntilMs) return 'unnamed';
    return (this.diedAtMs ?? nowMs) - this.firstSeenMs >= minAgeMs ? undefined : 'too_young';
  }

  /** It, or a part of it, is older than was known. */
  wasBorn(atMs: number): void {
    this.firstSeenMs = Math.min(this.firstSeenMs, atMs);
  }

  /** It is not shown before then, unless its name is known. */
  hold(untilMs: number): void {
    if (this.unnamed?.isBeyond === true) this.unnamed.foldAtMs = untilMs;
    else if (this.unnamed !== undefined) this.unnamed.heldUntilMs = untilMs;
  }

  /** A unit inside it turned out to be none that is shown: a slice with nothing else in it is not shown either. */
  holdsBackground(): void {
    this.#holdsBackground = true;
  }

  get cgroups(): Iterable<Cgroup> {
    return this.#cgroups.values();
  }

  get topCgroups(): readonly Cgroup[] {
    this.#tops ??= [...this.#cgroups.values()].filter(({ path }) => this.#above(path) === undefined);
    return this.#tops;
  }

  /** The topmost of its cgroups that this one of them lies in, itself or another. */
  topOf(cgroupId: number): number | undefined {
    const cgroup = this.#cgroups.get(cgroupId);
    return cgroup === undefined ? undefined : (this.#above(cgroup.path)?.id ?? cgroupId);
  }

  /** Answers the topmost cgroup that it lies in. */
  began(cgroupId: number, path: string): number {
    const cgroup = { id: cgroupId, path };
    const above = this.#above(path);
    this.#cgroups.set(cgroupId, cgroup);
    this.#byPath.set(path, cgroup);
    this.unnamed?.cgroups.add(cgroupId);
    if (!path.endsWith('.slice')) this.#isMoreThanSlice = true;
    if (above === undefined) {
      this.#tops = undefined;
      this.#lastTop = cgroupId;
    }
    this.diedAtMs = undefined;
    return above?.id ?? cgroupId;
  }

  ended(cgroupId: number, atMs: number): void {
    const { path = '' } = this.#cgroups.get(cgroupId) ?? {};
    this.#cgroups.delete(cgroupId);
    // The next one of that name may be there already.
    if (this.#byPath.get(path)?.id === cgroupId) this.#byPath.delete(path);
    this.#populated.delete(cgroupId);
    if (this.#above(path) === undefined) this.#tops = undefined;
    // One that went before it ran is no new start of those that are still there.
    if (this.#lastTop === cgroupId) this.#lastTop = this.#ranIn ?? cgroupId;
    if (this.#cgroups.size === 0) this.diedAtMs = atMs;
  }

  /** A runtime keeps this file of what it writes, from now on. */
  logsTo(file: LogFile): void {
    const others = this.logFiles.filter(({ path }) => path !== file.path);
    this.logFiles = [...others.slice(1 - maxLogFiles), file];
  }

  /** What its processes say, of which it may have turned out to be another one's. */
  switchOff(what: ReadonlySet<Switch>): void {
    // What one of all others says is not for all of them.
    if (this.id !== otherId) this.switchedOff = what;
    this.successor?.switchOff(what);
  }

  /** One of its cgroups got its first process or lost the last; answers whether it starts thereby. */
  populate(cgroupId: number, populated: boolean): boolean {
    if (!populated) {
      this.#populated.delete(cgroupId);
      return false;
    }
    const isStart = this.#populated.size === 0;
    if (isStart) {
      if (this.#ranIn !== undefined && this.#ranIn !== this.#lastTop) this.restarts++;
      this.#ranIn = this.#lastTop;
    }
    this.#populated.add(cgroupId);
    return isStart;
  }

  /** The topmost of its cgroups that others of this path lie in. */
  #above(path: string): Cgroup | undefined {
    for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) {
      const above = this.#byPath.get(path.slice(0, end));
      if (above !== undefined) return above;
    }
    return undefined;
  }

  /** It has turned out to be `other`, which takes over what it has, or to be no container. */
  becomes(other: Member | undefined): void {
    this.superseded = true;
    this.successor = other;
    if (other === undefined) return;
    other.wasThere ||= this.wasThere;
    if (this.#ranIn !== undefined) other.switchOff(this.switchedOff);
    other.wasBorn(this.firstSeenMs);
    const isStart = this.#ranIn !== undefined && other.#ranIn !== undefined && other.#populated.size === 0;
    other.restarts += this.restarts + (isStart ? 1 : 0);
    other.#ranIn = this.#ranIn ?? other.#ranIn;
    for (const cgroupId of this.#populated) other.#populated.add(cgroupId);
    if (this.#cgroups.size > 0) for (const { id, path } of this.#cgroups.values()) other.began(id, path);
    else if (other.#cgroups.size === 0)
      other.diedAtMs = Math.max(other.diedAtMs ?? -Infinity, this.diedAtMs ?? 0);
  }
}
