import { numberIn, valueOf } from '../host/statistics.ts';
import type { FigureSource } from './figures.ts';

export interface Cpu {
  readonly usageSeconds?: number | undefined;
  readonly throttledSeconds?: number | undefined;
  /** Absent without a limit. */
  readonly limitCores?: number | undefined;
}

/** cgroup v2: `cpu.stat` and `cpu.max` (Documentation/admin-guide/cgroup-v2.rst). Throttling is 0 without the controller. */
export function cpuV2(root: string): FigureSource<Cpu> {
  return {
    files: (path) => [`${root}${path}/cpu.stat`, `${root}${path}/cpu.max`],
    parse([stat, max]) {
      const [, quota, period] = /^(\d+) (\d+)\n$/.exec(max ?? '') ?? [];
      return {
        usageSeconds: stat === undefined ? undefined : valueOf(stat, 'usage_usec') / 1e6,
        throttledSeconds: stat === undefined ? undefined : valueOf(stat, 'throttled_usec') / 1e6,
        limitCores: coresOf(Number(quota), Number(period)),
      };
    },
  };
}

/** cgroup v1: the controllers `cpuacct` and `cpu`, which need not share a hierarchy. */
export function cpuV1(cpuacct: string | undefined, cpu: string | undefined): FigureSource<Cpu> {
  const names = ['cpu.stat', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'];
  return {
    files: (path) => [
      ...(cpu === undefined ? [] : names.map((name) => `${cpu}${path}/${name}`)),
      ...(cpuacct === undefined ? [] : [`${cpuacct}${path}/cpuacct.usage`]),
    ],
    parse(texts) {
      const [stat, quota, period] = cpu === undefined ? [] : texts;
      const usage = cpuacct === undefined ? undefined : numberIn(texts.at(-1));
      return {
        usageSeconds: usage === undefined ? undefined : usage / 1e9,
        throttledSeconds: stat === undefined ? undefined : valueOf(stat, 'throttled_time') / 1e9,
        limitCores: coresOf(numberIn(quota), numberIn(period)),
      };
    },
  };
}

function coresOf(quota: number | undefined, period: number | undefined): number | undefined {
  return quota && period ? quota / period : undefined;
}
