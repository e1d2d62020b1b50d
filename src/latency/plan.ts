import type { ListedContainer } from '../model/containers.ts';

/** A container, and what it talks to, each once. */
export interface Talker {
  readonly container: ListedContainer;
  readonly addresses: readonly string[];
}

/** A network namespace, and whose it is. */
export interface Space {
  readonly inode: number;
  /** Through a process in it; null: our own. */
  readonly path: string | null;
  readonly talkers: readonly Talker[];
}

/** What is pinged from a namespace in this round. */
export interface Task {
  readonly space: Space;
  readonly addresses: ReadonlySet<string>;
}

export interface Limits {
  readonly ofContainer: number;
  readonly ofNode: number;
}

export interface Plan {
  readonly tasks: readonly Task[];
  /** Addresses whose turn does not come, each once a namespace. */
  readonly refused: number;
}

/** Where a container stands. */
interface Turn {
  /** Number of the round that it was last pinged for. */
  readonly round: number;
  /** Index of the address that comes next. */
  readonly next: number;
}

const noTurn: Turn = { round: 0, next: 0 };

/** Makes plans in which everybody has a turn: who has waited longest comes first. */
export class Planner {
  readonly #limits: Limits;
  readonly #turns = new WeakMap<ListedContainer, Turn>();
  #round = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  plan(spaces: readonly Space[]): Plan {
    const talkers = spaces
      .flatMap((space) => space.talkers.map((talker) => ({ space, ...talker })))
      .sort((one, other) => this.#turnOf(one.container).round - this.#turnOf(other.container).round);
    const tasks = new Map<Space, Set<string>>();
    let left = this.#limits.ofNode;
    for (const { space, container, addresses } of talkers) {
      const chosen = tasks.get(space) ?? new Set<string>();
      const before = chosen.size;
      for (const address of this.#some(container, addresses, left)) chosen.add(address);
      left -= chosen.size - before;
      if (chosen.size > 0) tasks.set(space, chosen);
    }
    const refused = spaces.reduce((sum, space) => {
      const wanted = new Set(space.talkers.flatMap(({ addresses }) => addresses));
      return sum + wanted.size - (tasks.get(space)?.size ?? 0);
    }, 0);
    this.#round++;
    return { tasks: [...tasks].map(([space, addresses]) => ({ space, addresses })), refused };
  }

  /** They have had their turn. */
  done({ space, addresses }: Task): void {
    for (const { container, addresses: own } of space.talkers) {
      const { next } = this.#turnOf(container);
      let end = next;
      while (end < next + own.length && addresses.has(own[end % own.length]!)) end++;
      if (end > next) this.#turns.set(container, { round: this.#round, next: end % own.length });
    }
  }

  #turnOf(container: ListedContainer): Turn {
    return this.#turns.get(container) ?? noTurn;
  }

  #some(container: ListedContainer, addresses: readonly string[], left: number): readonly string[] {
    const most = Math.min(this.#limits.ofContainer, left, addresses.length);
    const { next } = this.#turnOf(container);
    return Array.from({ length: most }, (_, i) => addresses[(next + i) % addresses.length]!);
  }
}
