import type { ListedContainer } from '../model/containers.ts';

/** Whose an entry of the journal is, by the cgroup that it was written from. */
export interface Units {
  /** Undefined: of no container that is known. */
  of(id: string): ListedContainer | undefined;
}

/** What is not found is looked for again so often, and what is found may have another object after so long. */
const [searchEveryMs, refreshEveryMs] = [1000, 10_000];

/** Containers by id. Those that ended keep theirs: what they wrote last arrives later. */
export function units(containers: { all(): Iterable<ListedContainer> }, nowMs: () => number): Units {
  let byId = new Map<string, ListedContainer>();
  let readMs = -Infinity;
  return {
    of(id) {
      const known = byId.get(id);
      if (nowMs() - readMs < (known === undefined ? searchEveryMs : refreshEveryMs)) return known;
      readMs = nowMs();
      byId = new Map();
      for (const container of containers.all()) byId.set(container.id, container);
      return byId.get(id);
    },
  };
}

/** The id of the unit that a cgroup is of, or lies in: the first two parts of its path, `\x2d` shown as `-`. Units lie in slices. */
export function unitId(cgroup: string): string | undefined {
  const [first, slice, unit] = cgroup.split('/', 3);
  return first === '' && slice?.endsWith('.slice') === true && unit
    ? `/${slice}/${unit}`.replaceAll('\\x2d', '-')
    : undefined;
}
