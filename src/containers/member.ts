import type { Attributes } from '@opentelemetry/api';
import type { Clock } from '../host/clock.ts';
import type { Cgroup, ListedContainer } from '../model/containers.ts';
import { appIdOf } from './app-id.ts';

/** What members share. */
export interface Club {
  readonly clock: Clock;
  /** Younger containers are not shown; 0 shows all. */
  readonly minAgeMs: number;
}

/** A container that the directory knows. */
export class Member implements ListedContainer {
  readonly id: string;
  readonly labels: Attributes;
  /** Its image as the runtime tells it; empty when nobody does. */
  image = '';
  readonly activity = { runs: 0 };
  wasThere = false;
  /** On the monotonic clock. */
  firstSeenMs: number;
  /** When its last cgroup went. */
  diedAtMs: number | undefined;
  /** While its name is being asked for: every cgroup it ever had. Not shown before `heldUntilMs`. */
  unnamed: { readonly cgroups: Set<number>; readonly heldUntilMs: number } | undefined;
  /** Set once it has turned out to be another container, or none. */
  superseded = false;
  successor: Member | undefined;
  readonly #club: Club;
  /** Cgroups that still exist, in the order of their creation. */
  readonly #cgroups = new Map<number, Cgroup>();
  readonly #byPath = new Map<string, Cgroup>();
  #tops: readonly Cgroup[] | undefined;
  /** Those of them that have processes, themselves or below them. */
  readonly #populated = new Set<number>();
  /** The topmost cgroup in which it ran last. */
  #ranIn: number | undefined;
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

  get visible(): boolean {
    const { clock, minAgeMs } = this.#club;
    const nowMs = clock.monotonic();
    if (this.superseded || (this.unnamed !== undefined && nowMs < this.unnamed.heldUntilMs)) return false;
    return (this.diedAtMs ?? nowMs) - this.firstSeenMs >= minAgeMs;
  }

  get cgroups(): Iterable<Cgroup> {
    return this.#cgroups.values();
  }

  get topCgroups(): readonly Cgroup[] {
    this.#tops ??= [...this.#cgroups.values()].filter(({ path }) => this.#above(path) === undefined);
    return this.#tops;
  }

  /** Answers the topmost cgroup that it lies in. */
  began(cgroupId: number, path: string): number {
    const cgroup = { id: cgroupId, path };
    const above = this.#above(path);
    this.#cgroups.set(cgroupId, cgroup);
    this.#byPath.set(path, cgroup);
    this.unnamed?.cgroups.add(cgroupId);
    if (above === undefined) this.#tops = undefined;
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
    if (this.#cgroups.size === 0) this.diedAtMs = atMs;
  }

  /** One of its cgroups got its first process or lost the last. */
  populate(cgroupId: number, populated: boolean): void {
    if (!populated) {
      this.#populated.delete(cgroupId);
      return;
    }
    if (this.#populated.size === 0) {
      const top = this.topCgroups.at(-1)?.id;
      if (this.#ranIn !== undefined && this.#ranIn !== top) this.restarts++;
      this.#ranIn = top;
    }
    this.#populated.add(cgroupId);
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
    other.firstSeenMs = Math.min(other.firstSeenMs, this.firstSeenMs);
    other.wasThere ||= this.wasThere;
    const isStart = this.#ranIn !== undefined && other.#ranIn !== undefined && other.#populated.size === 0;
    other.restarts += this.restarts + (isStart ? 1 : 0);
    other.#ranIn = this.#ranIn ?? other.#ranIn;
    for (const cgroupId of this.#populated) other.#populated.add(cgroupId);
    if (this.#cgroups.size > 0) for (const { id, path } of this.#cgroups.values()) other.began(id, path);
    else if (other.#cgroups.size === 0)
      other.diedAtMs = Math.max(other.diedAtMs ?? -Infinity, this.diedAtMs ?? 0);
  }
}
