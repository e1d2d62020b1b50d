import type { Clock } from '../host/clock.ts';
import { Member, otherId } from './member.ts';

/** Ages are kept on the monotonic clock: setting the wall clock must neither hide nor age a container. */
export interface RosterRules {
  /** Younger containers are not shown; 0 shows all. */
  readonly minAgeMs: number;
  readonly allow?: RegExp | undefined;
  /** Checked before `allow`. */
  readonly deny?: RegExp | undefined;
  /** More containers than this are summed under one id. */
  readonly maxContainers: number;
}

/** Containers that are not shown, by why. */
export interface HiddenContainers {
  readonly tooYoung: number;
  readonly unnamed: number;
}

/** All containers by their id, those that nobody has named yet by what they are asked for by. */
export class Roster {
  readonly rules: RosterRules;
  readonly #clock: Clock;
  readonly #members = new Map<string, Member>();
  readonly #unnamed = new Map<string, Member>();
  /** Those of the unnamed that have no place of their own. */
  readonly #beyond = new Map<string, Member>();
  #other: Member | undefined;

  constructor(rules: RosterRules, clock: Clock) {
    this.rules = rules;
    this.#clock = clock;
  }

  *all(): Iterable<Member> {
    yield* this.#members.values();
    yield* this.#unnamed.values();
    yield* this.#beyond.values();
    if (this.#other !== undefined) yield this.#other;
  }

  get size(): number {
    return this.#members.size + this.unnamed;
  }

  get unnamed(): number {
    return this.#unnamed.size + this.#beyond.size;
  }

  /** Containers that are summed under one id, as far as they run. */
  get folded(): number {
    return this.#other?.topCgroups.length ?? 0;
  }

  get isFull(): boolean {
    return this.#members.size + this.#unnamed.size >= this.rules.maxContainers;
  }

  hidden(): HiddenContainers {
    let [tooYoung, unnamed] = [0, 0];
    for (const { hiddenBecause } of this.all()) {
      if (hiddenBecause === 'too_young') tooYoung++;
      else if (hiddenBecause === 'unnamed') unnamed++;
    }
    return { tooYoung, unnamed };
  }

  admits(id: string): boolean {
    const { allow, deny } = this.rules;
    return deny?.test(id) !== true && (allow === undefined || allow.test(id));
  }

  find(id: string): Member | undefined {
    return this.#members.get(id);
  }

  /** Finds or makes the container; undefined for one that is not wanted. Beyond the bound it is the one that stands for all others. */
  of(id: string, bornMs: number): Member | undefined {
    if (!this.admits(id)) return undefined;
    let member = this.#members.get(id);
    if (member === undefined && this.isFull) member = this.ofOthers(bornMs);
    else if (member === undefined) this.#members.set(id, (member = this.#make(id, bornMs)));
    member.wasBorn(bornMs);
    return member;
  }

  /** The one that stands for all that found no place. */
  ofOthers(bornMs: number): Member {
    return (this.#other ??= this.#make(otherId, bornMs));
  }

  /**
   * Makes a container that is called `id` until it is known better, and takes a place as such where it `mayBeShown`. One that comes
   * when all places are taken is not.
   */
  addUnnamed(key: string, id: string, bornMs: number, mayBeShown = true): Member {
    const isBeyond = !mayBeShown || this.isFull;
    const member = this.#make(id, bornMs);
    member.unnamed = { cgroups: new Set(), isBeyond, heldUntilMs: Infinity, foldAtMs: Infinity };
    (isBeyond ? this.#beyond : this.#unnamed).set(key, member);
    return member;
  }

  removeUnnamed(key: string): void {
    this.#unnamed.delete(key);
    this.#beyond.delete(key);
  }

  /** Forgets those that died before then: their places are free. */
  forgetDead(beforeMs: number): void {
    for (const members of [this.#members, this.#unnamed, this.#beyond])
      for (const [key, { diedAtMs }] of members)
        if (diedAtMs !== undefined && diedAtMs < beforeMs) members.delete(key);
  }

  #make(id: string, bornMs: number): Member {
    return new Member(id, bornMs, { clock: this.#clock, minAgeMs: this.rules.minAgeMs });
  }
}
