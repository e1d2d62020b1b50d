import { numberIn, valueOf } from '../host/statistics.ts';
import type { FigureSource } from './figures.ts';

export interface Memory {
  /** Anonymous memory and mapped files. */
  readonly rssBytes?: number | undefined;
  /** Page cache, mapped files included. */
  readonly cacheBytes?: number | undefined;
  /** Absent without a limit. */
  readonly limitBytes?: number | undefined;
}

/** v1 has no word for "no limit": it answers the largest number of pages, which is close to 2^63. */
const noLimitV1 = 2 ** 62;

/** cgroup v2: `memory.stat` and `memory.max` (Documentation/admin-guide/cgroup-v2.rst). */
export function memoryV2(root: string): FigureSource<Memory> {
  return {
    files: (path) => [`${root}${path}/memory.stat`, `${root}${path}/memory.max`],
    parse: ([stat, max]) => ({
      ...(stat !== undefined && {
        rssBytes: valueOf(stat, 'anon') + valueOf(stat, 'file_mapped'),
        cacheBytes: valueOf(stat, 'file'),
      }),
      limitBytes: numberIn(max),
    }),
  };
}

/** cgroup v1: `memory.stat`, its hierarchical sums, and `memory.limit_in_bytes` (admin-guide/cgroup-v1/memory.rst). */
export function memoryV1(root: string): FigureSource<Memory> {
  return {
    files: (path) => [`${root}${path}/memory.stat`, `${root}${path}/memory.limit_in_bytes`],
    parse([stat, text]) {
      const limit = numberIn(text);
      return {
        ...(stat !== undefined && {
          rssBytes: valueOf(stat, 'total_rss') + valueOf(stat, 'total_mapped_file'),
          cacheBytes: valueOf(stat, 'total_cache'),
        }),
        limitBytes: limit !== undefined && limit <= noLimitV1 ? limit : undefined,
      };
    },
  };
}
