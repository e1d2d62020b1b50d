import type { Controllers } from '../kernel/controllers.ts';
import { cpuLimitV1, cpuLimitV2, cpuThrottlingV1, cpuUsageV1, cpuUsageV2, type CpuUsage } from './cpu.ts';
import type { FigureSource } from './figures.ts';
import { memoryLimit, memoryV1, memoryV2, type Memory } from './memory.ts';
import { pressureV2, type Pressure } from './pressure.ts';

/** Where each figure comes from on this machine: every controller by itself is on v1, on v2 or on neither. */
export interface Sources {
  readonly usage: FigureSource<CpuUsage>;
  /** Where it is not part of the usage: v1. */
  readonly throttling: FigureSource<number | undefined>;
  readonly cpuLimit: FigureSource<number | undefined>;
  readonly memory: FigureSource<Memory | undefined>;
  readonly memoryLimit: FigureSource<number | undefined>;
  readonly pressure: FigureSource<Pressure | undefined>;
}

const nothing: FigureSource<undefined> = { files: () => [], parse: () => undefined };
const noUsage: FigureSource<CpuUsage> = { files: () => [], parse: () => ({}) };

export function sourcesOf({ v1, v2 }: Controllers): Sources {
  const cpuIsV1 = v1.cpu !== undefined || v1.cpuacct !== undefined;
  const onV2 = cpuIsV1 ? undefined : v2;
  return {
    usage:
      v1.cpuacct !== undefined ? cpuUsageV1(v1.cpuacct) : onV2 !== undefined ? cpuUsageV2(onV2) : noUsage,
    throttling: v1.cpu === undefined ? nothing : cpuThrottlingV1(v1.cpu),
    cpuLimit: v1.cpu !== undefined ? cpuLimitV1(v1.cpu) : onV2 !== undefined ? cpuLimitV2(onV2) : nothing,
    memory: v1.memory !== undefined ? memoryV1(v1.memory) : v2 !== undefined ? memoryV2(v2) : nothing,
    memoryLimit:
      v1.memory !== undefined ? memoryLimit(v1.memory, 1) : v2 !== undefined ? memoryLimit(v2, 2) : nothing,
    pressure: v2 === undefined ? nothing : pressureV2(v2),
  };
}
