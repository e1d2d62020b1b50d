/** How much counters of cgroups have grown since the first look. */
export interface Growth {
  /** Sum over all cgroups, those that are gone included. */
  readonly total: number;
  /**
   * Takes in a reading of one cgroup; answers how much it has grown since the one before. A first reading is all growth, but
   * at the first look at a container that `wasThere` before.
   */
  of(cgroupId: number, reading: number | undefined, wasThere: boolean): number;
  /** Forgets all other cgroups. */
  keep(cgroupIds: Iterable<number>): void;
}

export function growing(): Growth {
  const last = new Map<number, number>();
  let looked = false;
  let total = 0;
  return {
    get total() {
      return total;
    },
    of(cgroupId, reading, wasThere) {
      if (reading === undefined) return 0;
      const before = last.get(cgroupId) ?? (wasThere && !looked ? reading : 0);
      const grown = Math.max(reading - before, 0);
      last.set(cgroupId, reading);
      total += grown;
      return grown;
    },
    keep(cgroupIds) {
      looked = true;
      const kept = new Set(cgroupIds);
      for (const id of last.keys()) if (!kept.has(id)) last.delete(id);
    },
  };
}
