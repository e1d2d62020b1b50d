import type { BatchObservableResult, Meter } from '@opentelemetry/api';
import { kernelMetrics } from '../catalogue/agent.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import type { KernelFigures } from './figures.ts';

/** Kernel maps without a fixed number of entries: one per socket, or bytes of a ring. */
const withoutCapacity = new Set(['tcp_sockets', 'cgroup_events', 'oom_events']);

/** Self-metrics of the kernel side: how full the maps are, what was refused or skipped, what the programs cost. */
export function kernelCollector(
  meter: Meter,
  figures: () => readonly KernelFigures[],
  sources: ReadonlyMap<string, string>,
): Collector {
  const metrics = instruments(meter, kernelMetrics);
  return {
    name: 'kernel',
    instruments: Object.values(metrics),
    collect: (result) => {
      for (const [feature, source] of sources) result.observe(metrics.source, 1, { feature, source });
      for (const source of figures()) {
        observeMaps(result, metrics, source);
        observePrograms(result, metrics, source);
      }
    },
  };
}

type Metrics = ReturnType<typeof instruments<typeof kernelMetrics>>;

function observeMaps(result: BatchObservableResult, metrics: Metrics, source: KernelFigures): void {
  for (const map of source.maps) {
    const info = source.object.mapInfo(map);
    result.observe(metrics.mapBytes, info.memoryBytes, { map });
    if (!withoutCapacity.has(map)) result.observe(metrics.mapCapacity, info.maxEntries, { map });
  }
  for (const [map, entries] of Object.entries(source.entries))
    result.observe(metrics.mapEntries, entries, { map });
  for (const { map, reason, count } of source.refused)
    result.observe(metrics.refusedEntries, count, { map, reason });
  for (const [ring, count] of Object.entries(source.ringDropped))
    result.observe(metrics.ringDropped, count, { ring });
}

function observePrograms(result: BatchObservableResult, metrics: Metrics, source: KernelFigures): void {
  for (const program of source.programs) {
    const info = source.object.programInfo(program);
    // 0 means that the kernel does not count (kernel.bpf_stats_enabled), not that nothing ran.
    if (info.runCount > 0) {
      result.observe(metrics.programRuns, info.runCount, { program });
      result.observe(metrics.programSeconds, info.runTimeNs / 1e9, { program });
    }
    result.observe(metrics.programMisses, info.recursionMisses, { program });
  }
}
