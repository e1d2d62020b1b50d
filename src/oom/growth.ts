/** How much counters of cgroups have grown since the first look. */
export interface Growth {
  /** Sum over all paths, those that are gone included. */
  readonly total: number;
  /**
   * Takes in a reading of one path; answers how much it has grown since the one before. A first reading is all growth, but
   * for `existed`: a cgroup older than the first look. A counter that fell belongs to a new cgroup of the same path.
   */
  of(path: string, reading: number | undefined, existed: boolean): number;
  /** Forgets all other paths. */
  keep(paths: Iterable<string>): void;
}

export function growing(): Growth {
  const last = new Map<string, number>();
  let looked = false;
  let total = 0;
  return {
    get total() {
      return total;
    },
    of(path, reading, existed) {
      if (reading === undefined) return 0;
      const before = last.get(path) ?? (existed && !looked ? reading : 0);
      const grown = reading >= before ? reading - before : reading;
      last.set(path, reading);
      total += grown;
      return grown;
    },
    keep(paths) {
      looked = true;
      const kept = new Set(paths);
      for (const path of last.keys()) if (!kept.has(path)) last.delete(path);
    },
  };
}
