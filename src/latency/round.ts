import type { ListedContainer } from '../model/containers.ts';
import type { Addon } from '../native/addon.ts';
import { pingable } from './address.ts';
import type { CpuBudget } from './budget.ts';
import type { Planner, Space, Task } from './plan.ts';

/** Seconds by address. */
export type Answers = ReadonlyMap<string, number>;

export interface RoundDeps {
  readonly addon: Pick<Addon, 'ping'>;
  readonly planner: Planner;
  readonly budget: CpuBudget;
  readonly nowMs: () => number;
}

export interface Round {
  readonly answers: ReadonlyMap<ListedContainer, Answers>;
  /** Addresses whose turn did not come. */
  readonly refused: number;
}

/** How long an answer may take. */
const timeoutMs = 300;
/** No ping begins later in a round. */
const roundMs = 5000;
/** Namespaces at once, a thread each. */
const namespacesAtOnce = 8;
const targetsAtOnce = 1024;

/** Pings from every namespace what its containers talk to. Never rejects: where that is not possible there are no answers. */
export async function pingAll(spaces: readonly Space[], deps: RoundDeps): Promise<Round> {
  const { planner, budget, nowMs } = deps;
  const { tasks, refused } = planner.plan(spaces);
  const round = { answers: new Map<ListedContainer, Answers>(), refused };
  const untilMs = nowMs() + roundMs;
  const queue = tasks.values();
  const work = async (): Promise<void> => {
    for (const task of queue) {
      if (nowMs() > untilMs || !budget.hasLeft) {
        round.refused += task.addresses.size;
        continue;
      }
      // The namespace may be gone, or not ours to enter.
      const seconds = await pingFrom(task, deps).catch(() => new Map<string, number>());
      planner.done(task);
      for (const { container, addresses } of task.space.talkers) {
        const answered = addresses.filter((address) => seconds.has(address));
        round.answers.set(container, new Map(answered.map((address) => [address, seconds.get(address)!])));
      }
    }
  };
  await Promise.all(Array.from({ length: namespacesAtOnce }, work));
  return round;
}

async function pingFrom({ space, addresses }: Task, { addon, budget }: RoundDeps): Promise<Answers> {
  const seconds = new Map<string, number>();
  const all = [...addresses];
  for (let start = 0; start < all.length; start += targetsAtOnce) {
    const some = all.slice(start, start + targetsAtOnce);
    const targets = Buffer.concat(some.map((address) => pingable(address)!));
    const { errors, roundTripNs, namespaceInode, cpuNs } = await addon.ping(space.path, targets, timeoutMs);
    budget.spend(cpuNs);
    // The process may have gone, and its number been given to another.
    if (namespaceInode !== space.inode) return new Map();
    for (const [i, address] of some.entries())
      if (errors[i] === 0) seconds.set(address, roundTripNs[i]! / 1e9);
  }
  return seconds;
}
