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

/** More containers of one user than this are summed with all others: everybody can make as many as he likes. */
const maxOfUser = 250;
/** What the ids of a user's containers have in common. */
const ofUser = /^\/user\/\d+\//;

/**
 * All containers by their id, those that nobody has named yet by what they are asked for by. The bound is one for those that live: as
 * many dead ones, which late counts may still name, are kept beside them.
 */
export class Roster {
  readonly rules: RosterRules;
  readonly #clock: Clock;
  readonly #members = new Map<string, Member>();
  readonly #unnamed = new Map<string, Member>();
  /** The dead of these two, the longest dead first. */
  readonly #dead = new Set<Member>();
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
    return this.#members.size + this.#unnamed.size - this.#dead.size >= this.rules.maxContainers;
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
    if (member === undefined && !this.#hasPlaceFor(id)) member = this.ofOthers(bornMs);
    else if (member === undefined) this.#members.set(id, (member = this.#make(id, bornMs)));
    member.wasBorn(bornMs);
    return member;
  }

  /** The one that stands for all that found no place. */
  ofOthers(bornMs: number): Member {
    return (this.#other ??= this.#make(otherId, bornMs, false));
  }

  /**
   * Makes a container that is called `id` until it is known better, and takes a place as such where it `mayBeShown`. One that comes
   * when all places are taken is not.
   */
  addUnnamed(key: string, id: string, bornMs: number, mayBeShown = true): Member {
    const isBeyond = !mayBeShown || this.isFull;
    const member = this.#make(id, bornMs, !isBeyond);
    member.unnamed = { key, cgroups: new Set(), isBeyond, heldUntilMs: Infinity, foldAtMs: Infinity };
    (isBeyond ? this.#beyond : this.#unnamed).set(key, member);
    return member;
  }

  removeUnnamed(key: string): void {
    const member = this.#unnamed.get(key);
    if (member !== undefined) this.#dead.delete(member);
    this.#unnamed.delete(key);
    this.#beyond.delete(key);
  }

  /** Forgets those that died before then. */
  forgetDead(beforeMs: number): void {
    for (const member of this.#dead) if (hasDied(member, beforeMs)) this.#forget(member);
    for (const [key, member] of this.#beyond) if (hasDied(member, beforeMs)) this.#beyond.delete(key);
  }

  /** Of a user's own the longest dead gives way. */
  #hasPlaceFor(id: string): boolean {
    if (this.isFull) return false;
    const [user] = ofUser.exec(id) ?? [];
    if (user === undefined) return true;
    let all = 0;
    for (const known of this.#members.keys()) if (known.startsWith(user)) all++;
    if (all < maxOfUser) return true;
    for (const member of this.#dead) {
      if (!member.id.startsWith(user)) continue;
      this.#forget(member);
      return true;
    }
    return false;
  }

  /** Nobody is shown any more by this name, and whoever comes under it is a new one. */
  #forget(member: Member): void {
    member.superseded = true;
    this.#dead.delete(member);
    if (member.unnamed !== undefined) this.#unnamed.delete(member.unnamed.key);
    else this.#members.delete(member.id);
  }

  #make(id: string, bornMs: number, hasPlace = true): Member {
    for (const longest of this.#dead) {
      if (this.#dead.size <= this.rules.maxContainers) break;
      this.#forget(longest);
    }
    const { minAgeMs } = this.rules;
    return new Member(id, bornMs, {
      clock: this.#clock,
      minAgeMs,
      ...(hasPlace && { dead: this.#dead }),
    });
  }
}

function hasDied({ diedAtMs }: Member, beforeMs: number): boolean {
  return diedAtMs !== undefined && diedAtMs < beforeMs;
}
