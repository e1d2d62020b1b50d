import { numberIn, valueOf } from '../host/statistics.ts';
import type { FigureSource } from './figures.ts';

export interface Memory {
  /** Anonymous memory and mapped files. */
  readonly rssBytes: number;
  /** Page cache, mapped files included. */
  readonly cacheBytes: number;
}

/** v1 has no word for "no limit": it answers the largest number of pages, which is close to 2^63. */
const noLimitV1 = 2 ** 62;

/** cgroup v2: `memory.stat` (Documentation/admin-guide/cgroup-v2.rst). */
export function memoryV2(root: string): FigureSource<Memory | undefined> {
  return {
    files: (path) => [`${root}${path}/memory.stat`],
    parse: ([stat]) =>
      stat === undefined
        ? undefined
        : {
            rssBytes: valueOf(stat, 'anon') + valueOf(stat, 'file_mapped'),
            cacheBytes: valueOf(stat, 'file'),
          },
  };
}

/** cgroup v1: `memory.stat`, its hierarchical sums (Documentation/admin-guide/cgroup-v1/memory.rst). */
export function memoryV1(root: string): FigureSource<Memory | undefined> {
  return {
    files: (path) => [`${root}${path}/memory.stat`],
    parse: ([stat]) =>
      stat === undefined
        ? undefined
        : {
            rssBytes: valueOf(stat, 'total_rss') + valueOf(stat, 'total_mapped_file'),
            cacheBytes: valueOf(stat, 'total_cache'),
          },
  };
}

/** `memory.max` of v2, `memory.limit_in_bytes` of v1, in bytes; undefined without a limit. */
export function memoryLimit(root: string, version: 1 | 2): FigureSource<number | undefined> {
  const file = version === 1 ? 'memory.limit_in_bytes' : 'memory.max';
  return {
    files: (path) => [`${root}${path}/${file}`],
    parse([text]) {
      const limit = numberIn(text);
      return limit === undefined || (version === 1 && limit > noLimitV1) ? undefined : limit;
    },
  };
}
