import { numberIn, valueOf } from '../host/statistics.ts';
import type { FigureSource } from './figures.ts';

export interface CpuUsage {
  readonly usageSeconds?: number | undefined;
  readonly throttledSeconds?: number | undefined;
}

/** cgroup v2: `cpu.stat` (Documentation/admin-guide/cgroup-v2.rst). Throttling is 0 without the controller. */
export function cpuUsageV2(root: string): FigureSource<CpuUsage> {
  return {
    files: (path) => [`${root}${path}/cpu.stat`],
    parse: ([stat]) => ({
      usageSeconds: stat === undefined ? undefined : valueOf(stat, 'usage_usec') / 1e6,
      throttledSeconds: stat === undefined ? undefined : valueOf(stat, 'throttled_usec') / 1e6,
    }),
  };
}

/** cgroup v1: the controller `cpuacct` (Documentation/admin-guide/cgroup-v1/cpuacct.rst). */
export function cpuUsageV1(root: string): FigureSource<CpuUsage> {
  return {
    files: (path) => [`${root}${path}/cpuacct.usage`],
    parse([text]) {
      const usage = numberIn(text);
      return { usageSeconds: usage === undefined ? undefined : usage / 1e9 };
    },
  };
}

/** cgroup v1: the controller `cpu`, which need not share a hierarchy with `cpuacct` (Documentation/scheduler/sched-bwc.rst). */
export function cpuThrottlingV1(root: string): FigureSource<number | undefined> {
  return {
    files: (path) => [`${root}${path}/cpu.stat`],
    parse: ([stat]) => (stat === undefined ? undefined : valueOf(stat, 'throttled_time') / 1e9),
  };
}

/** CPUs of cgroup v2, `cpu.max`; undefined without a limit. */
export function cpuLimitV2(root: string): FigureSource<number | undefined> {
  return {
    files: (path) => [`${root}${path}/cpu.max`],
    parse([max]) {
      const [, quota, period] = /^(\d+) (\d+)\n$/.exec(max ?? '') ?? [];
      return coresOf(Number(quota), Number(period));
    },
  };
}

/** CPUs of cgroup v1; undefined without a limit. */
export function cpuLimitV1(root: string): FigureSource<number | undefined> {
  return {
    files: (path) => [`${root}${path}/cpu.cfs_quota_us`, `${root}${path}/cpu.cfs_period_us`],
    parse: ([quota, period]) => coresOf(numberIn(quota), numberIn(period)),
  };
}

function coresOf(quota: number | undefined, period: number | undefined): number | undefined {
  return quota && period ? quota / period : undefined;
}
