import type { Meter } from '@opentelemetry/api';
import { containerModelMetrics } from '../catalogue/agent.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import type { HiddenContainers } from './roster.ts';

/** Series left out of the last snapshot, and why. */
export interface Hidden {
  readonly noContainer: number;
  readonly tooYoung: number;
}

const byReason = {
  noContainer: { reason: 'no_container' },
  tooYoung: { reason: 'too_young' },
  unnamed: { reason: 'unnamed' },
} as const;

export interface ContainerModel {
  /** Containers known. */
  size(): number;
  /** Those of them that no runtime has named so far. */
  unnamed(): number;
  /** Those that found no place of their own. */
  folded(): number;
  hiddenContainers(): HiddenContainers;
  /** OOM kills that found no container. */
  unattributedKills(): number;
  /** Cgroups that found no place. */
  refused(): number;
  /** Mounts that found no place. */
  refusedVolumes(): number;
  hidden(): Hidden;
}

/** Self-metrics of the container model: how many are known, what the rules hide. */
export function containerModelCollector(meter: Meter, model: ContainerModel): Collector {
  const metrics = instruments(meter, containerModelMetrics);
  return {
    name: 'container_model',
    instruments: Object.values(metrics),
    collect(result) {
      result.observe(metrics.containers, model.size());
      result.observe(metrics.unnamed, model.unnamed());
      result.observe(metrics.unattributedKills, model.unattributedKills());
      result.observe(metrics.refusedCgroups, model.refused());
      result.observe(metrics.folded, model.folded());
      const containers = model.hiddenContainers();
      result.observe(metrics.hiddenContainers, containers.tooYoung, byReason.tooYoung);
      result.observe(metrics.hiddenContainers, containers.unnamed, byReason.unnamed);
      result.observe(metrics.refusedVolumes, model.refusedVolumes());
      const { noContainer, tooYoung } = model.hidden();
      result.observe(metrics.hidden, noContainer, byReason.noContainer);
      result.observe(metrics.hidden, tooYoung, byReason.tooYoung);
    },
  };
}
