import type { Group } from './group.ts';
import type { Counted, Counter } from './messages.ts';
import type { PatternCounter } from './patterns.ts';

/** Tells what has changed of the counters of all groups: what is idle costs nothing. */
export interface Changes {
  onCount(group: Group): void;
  forget(group: Group): void;
  take(): Pick<Counted, 'begun' | 'totals'>;
}

export function changes(): Changes {
  const changed = new Set<Group>();
  const told = new WeakMap<PatternCounter, { readonly id: number; messages: number }>();
  let lastId = 0;

  return {
    onCount: (group) => changed.add(group),
    forget: (group) => changed.delete(group),
    take() {
      const begun: Counter[] = [];
      const totals: number[] = [];
      for (const group of changed)
        for (const counter of group.counters()) {
          const { level, hash, sample, messages } = counter;
          let known = told.get(counter);
          if (known === undefined) {
            told.set(counter, (known = { id: ++lastId, messages: 0 }));
            begun.push({ id: known.id, group: group.name, level, hash, sample });
          }
          if (known.messages !== messages) totals.push(known.id, messages);
          known.messages = messages;
        }
      changed.clear();
      return { begun, totals: Float64Array.from(totals) };
    },
  };
}
