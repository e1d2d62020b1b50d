import type { Clock } from '../host/clock.ts';
import type { LogFile, PublishedPort } from '../model/containers.ts';
import type { Asker, Named, Unnamed } from './asker.ts';
import type { Identity, Unit } from './identity.ts';
import type { Member } from './member.ts';
import type { Roster, RosterRules } from './roster.ts';
import type { UnitAsker } from './systemd/asker.ts';
import { isBackground, type UnitFacts } from './systemd/facts.ts';

export interface QuestionAskers {
  /** Runtimes, for names. */
  readonly ask?: Asker['ask'];
  /** It has another log file. */
  readonly onLogFile?: (container: Member) => void;
  /** systemd, for what a unit is. */
  readonly askUnit?: UnitAsker['ask'];
}

/** A container whose runtime has not told its name for so long is shown under the short id that its path tells. */
const holdMs = 10_000;

/** What somebody told. */
interface Told {
  /** `container_id`, or `ignored` for what is no container of its own. */
  readonly id: string;
  readonly image?: string;
  readonly published?: readonly PublishedPort[];
  readonly logFile?: LogFile;
  readonly facts?: UnitFacts;
}

/** The container of a cgroup, and what somebody was asked for because of it. */
interface Placed {
  readonly container: Member | undefined;
  readonly key: string | undefined;
}

/** Containers that paths do not tell all of: asked for once each, held back meanwhile, and settled by the answer. */
export class Questions {
  /**
   * By what was asked for, a container of a runtime or the cgroup of a unit: a container in question, the known one, or undefined for
   * what is none. Those that found no place by their id.
   */
  readonly #asked = new Map<string, Member | undefined>();
  readonly #roster: Roster;
  readonly #rules: RosterRules & { readonly skipSystemServices: boolean };
  readonly #clock: Clock;
  readonly #askers: QuestionAskers;
  readonly #onSettled: (cgroups: Iterable<number>, container: Member | undefined) => void;

  /** `onSettled` is told whose these cgroups have turned out to be. */
  constructor(
    roster: Roster,
    rules: RosterRules & { readonly skipSystemServices: boolean },
    clock: Clock,
    askers: QuestionAskers,
    onSettled: (cgroups: Iterable<number>, container: Member | undefined) => void,
  ) {
    this.#roster = roster;
    this.#rules = rules;
    this.#clock = clock;
    this.#askers = askers;
    this.#onSettled = onSettled;
  }

  /** Forgets all but these keys; who has waited for a name too long and has no place is one of all others. */
  tidy(keys: ReadonlySet<string>): void {
    for (const [key, member] of this.#asked) {
      if (!keys.has(key)) this.#asked.delete(key);
      else if (member?.unnamed !== undefined && member.unnamed.foldAtMs <= this.#clock.monotonic())
        this.#settle(key, member, this.#roster.ofOthers(member.firstSeenMs));
    }
  }

  /** The container of a new cgroup. */
  containerAt(path: string, identity: Identity, bornMs: number): Placed {
    if ('ignored' in identity) return { container: undefined, key: undefined };
    const { id, unnamed, unit } = identity;
    const { ask, askUnit } = this.#askers;
    if (unnamed !== undefined && ask !== undefined) {
      const key = keyOf(id, unnamed);
      this.#askForPorts(ask, unnamed, key);
      return {
        key,
        container: this.#inQuestion(key, bornMs, () => this.#askForName(ask, unnamed, id, bornMs)),
      };
    }
    if (unit !== undefined && askUnit !== undefined && this.#roster.admits(id)) {
      const key = unit.path;
      // A unit that starts has a new cgroup, and may have become another kind of unit.
      if (path === key && this.#asked.get(key)?.unnamed === undefined) this.#asked.delete(key);
      return {
        key,
        container: this.#inQuestion(key, bornMs, () => this.#askForUnit(askUnit, unit, id, bornMs)),
      };
    }
    return { key: id, container: this.#inQuestion(id, bornMs, () => this.#named(id, bornMs)) };
  }

  #named(id: string, bornMs: number): Member | undefined {
    const container = this.#roster.of(id, bornMs);
    // One that found no place is not torn apart when there is one later.
    if (container !== undefined && container.id !== id) this.#asked.set(id, container);
    return container;
  }

  /** Asks once for each key. */
  #inQuestion(key: string, bornMs: number, ask: () => Member | undefined): Member | undefined {
    const known = this.#asked.get(key);
    // The dead may have been forgotten before their cgroups.
    if (!this.#asked.has(key) || known?.superseded === true) return ask();
    known?.wasBorn(bornMs);
    return known;
  }

  #askForName(ask: Asker['ask'], unnamed: Unnamed, id: string, bornMs: number): Member {
    // Under its name it may be denied; and any user can make cgroups that look like containers, until a runtime says that they are.
    const isHidden =
      this.#rules.deny !== undefined || !this.#roster.admits(id) || unnamed.place.kind === 'user';
    const key = keyOf(id, unnamed);
    const member = this.#newInQuestion(key, id, bornMs, !isHidden);
    if (!isHidden) member.hold(this.#clock.monotonic() + holdMs);
    ask(unnamed, {
      wanted: () => this.#asked.get(key) === member,
      onNamed: (named: Named) => this.#onTold(key, member, named),
      onNobody: () => {
        if (!isHidden) member.hold(0);
      },
    });
    return member;
  }

  /** One that starts again has its name, and may have other ports. */
  #askForPorts(ask: Asker['ask'], unnamed: Unnamed, key: string): void {
    const known = this.#asked.get(key);
    if (known === undefined || known.unnamed !== undefined || known.topCgroups.length > 0) return;
    if (known.published.length === 0) return;
    known.published = [];
    ask(unnamed, {
      wanted: () => this.#asked.get(key) === known,
      onNamed: ({ published = [] }) => (known.published = published),
      onNobody: () => {},
    });
  }

  #askForUnit(askUnit: UnitAsker['ask'], { name, path }: Unit, id: string, bornMs: number): Member {
    // Whoever is asked answers soon, in any case.
    const member = this.#newInQuestion(path, id, bornMs);
    void askUnit(name).then((facts) => {
      if (this.#asked.get(path) !== member) return;
      const isOurs = !(this.#rules.skipSystemServices && isBackground(facts));
      if (!isOurs) this.#roster.find(id)?.holdsBackground();
      this.#onTold(path, member, { id: isOurs ? id : 'ignored', facts });
    });
    return member;
  }

  #newInQuestion(key: string, id: string, bornMs: number, mayBeShown = true): Member {
    const member = this.#roster.addUnnamed(key, id, bornMs, mayBeShown);
    this.#asked.set(key, member);
    return member;
  }

  #onTold(key: string, member: Member, { id, image, published, logFile, facts }: Told): void {
    this.#roster.removeUnnamed(key);
    const container = id === 'ignored' ? undefined : this.#roster.of(id, member.firstSeenMs);
    // Who stands for others has neither.
    if (container?.id === id) {
      container.image = image ?? container.image;
      container.published = published ?? container.published;
      container.facts = facts ?? container.facts;
      if (logFile !== undefined) container.logsTo(logFile);
    }
    this.#settle(key, member, container);
    if (logFile !== undefined && container?.id === id) this.#askers.onLogFile?.(container);
  }

  /** What was in question is this container, or none. */
  #settle(key: string, member: Member, container: Member | undefined): void {
    this.#roster.removeUnnamed(key);
    this.#asked.set(key, container);
    const cgroups = member.unnamed?.cgroups ?? [];
    member.becomes(container);
    this.#onSettled(cgroups, container);
  }
}

/** Not by the id of the runtime alone: a user could call a cgroup like the container of somebody else. */
function keyOf(id: string, { runtimeId }: Unnamed): string {
  return `${id} ${runtimeId}`;
}
