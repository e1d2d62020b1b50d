import type { BatchObservableResult, Meter } from '@opentelemetry/api';
import { instruments } from '../catalogue/metric.ts';
import {
  containerCpuMetrics,
  containerMemoryMetrics,
  containerPressureMetrics,
} from '../catalogue/resources.ts';
import type { Collector } from '../collector.ts';
import type { TextReader } from '../host/texts.ts';
import type { Controllers } from '../kernel/controllers.ts';
import type { Container, ContainerList } from '../model/containers.ts';
import { turns } from '../turns.ts';
import { kindLabels } from './labels.ts';
import { resources } from './pressure.ts';
import { readings, type Reading } from './readings.ts';
import { sourcesOf } from './sources.ts';

/** Containers whose files are read in one call: bounds what is in memory at a time. */
const perRead = 256;

export interface ResourcesDeps {
  readonly containers: ContainerList;
  readonly controllers: Controllers;
  readonly read: TextReader;
  /** On the monotonic clock. */
  readonly nowMs: () => number;
}

/**
 * CPU, memory and pressure of containers, from the files of their topmost cgroup. Once that is gone the counters stay as
 * they were read last, and the gauges go.
 */
export function resourcesCollector(meter: Meter, deps: ResourcesDeps): Collector {
  const cpu = instruments(meter, containerCpuMetrics);
  const memory = instruments(meter, containerMemoryMetrics);
  const pressure = instruments(meter, containerPressureMetrics);
  const known = readings(sourcesOf(deps.controllers), deps.read, deps.nowMs);

  const observe = (result: BatchObservableResult, container: Container, reading: Reading): void => {
    const { labels } = container;
    const show = (metric: (typeof cpu)['usage'], value: number | undefined): void => {
      if (value !== undefined) result.observe(metric, value, labels);
    };
    show(cpu.usage, reading.usageSeconds);
    show(cpu.throttled, reading.throttledSeconds);
    if (reading.pressure !== undefined) {
      const kinds = kindLabels(container);
      for (const [i, resource] of resources.entries()) {
        result.observe(pressure[resource], reading.pressure.some[i]!, kinds.some);
        result.observe(pressure[resource], reading.pressure.full[i]!, kinds.full);
      }
    }
    if (!reading.alive) return;
    show(cpu.limit, reading.limitCores);
    show(memory.rss, reading.memory?.rssBytes);
    show(memory.cache, reading.memory?.cacheBytes);
    show(memory.limit, reading.limitBytes);
  };

  return {
    name: 'container_resources',
    instruments: [cpu, memory, pressure].flatMap((made) => Object.values(made)),
    async collect(result) {
      const turn = turns();
      const all = [...deps.containers.all()];
      // Read also what is not shown yet: a container that ends young and shows up later has its counters.
      const living = all.filter(({ cgroup }) => cgroup !== undefined);
      for (let start = 0; start < living.length; start += perRead)
        await known.update(living.slice(start, start + perRead));
      for (const container of all) {
        await turn();
        const reading = known.of(container);
        if (reading === undefined) continue;
        if (container.cgroup === undefined) reading.alive = false;
        if (container.visible) observe(result, container, reading);
      }
    },
  };
}
