import type { BatchObservableResult, Meter } from '@opentelemetry/api';
import { instruments } from '../catalogue/metric.ts';
import {
  containerCpuMetrics,
  containerDelayMetrics,
  containerMemoryMetrics,
  containerPressureMetrics,
} from '../catalogue/resources.ts';
import type { Collector } from '../collector.ts';
import type { TextReader } from '../host/texts.ts';
import type { Controllers } from '../kernel/controllers.ts';
import type { CgroupDirectory, Container, ContainerList } from '../model/containers.ts';
import { turns } from '../turns.ts';
import { labelsWith } from '../model/labels.ts';
import { accountsOf } from './accounts.ts';
import { resources } from './pressure.ts';
import { readings } from './readings.ts';
import { sourcesOf } from './sources.ts';
import type { TaskModel } from './tasks.ts';
import { totalsOf, type Totals } from './totals.ts';

/** Cgroups whose files are read in one call: bounds what is in memory at a time. */
const perRead = 256;

export interface ResourcesDeps {
  readonly containers: ContainerList & CgroupDirectory;
  readonly controllers: Controllers;
  readonly read: TextReader;
  /** What tasks have waited for and used. */
  readonly tasks: TaskModel;
  /** Called with every look, with the reason where nobody told what tasks have waited for: then delays are absent. */
  readonly onLook: (failure: unknown) => void;
  /** On the monotonic clock. */
  readonly nowMs: () => number;
}

/**
 * CPU, memory and pressure of containers from the files of their topmost cgroups, and what their tasks have waited for. Once
 * the cgroups are gone the counters stay, with the CPU time that the last tasks tell of, and the gauges go.
 */
export function resourcesCollector(meter: Meter, deps: ResourcesDeps): Collector {
  const cpu = instruments(meter, containerCpuMetrics);
  const memory = instruments(meter, containerMemoryMetrics);
  const pressure = instruments(meter, containerPressureMetrics);
  const delay = instruments(meter, containerDelayMetrics);
  const withKind = labelsWith((kind: 'some' | 'full') => ({ kind }));
  const files = readings(sourcesOf(deps.controllers), deps.read, deps.nowMs);
  const accounts = accountsOf(deps.containers, (path, older) => files.fresh(path, older));

  const observeDelays = (result: BatchObservableResult, container: Container): void => {
    const { runDelayNs, diskDelayNs } = deps.tasks.delaysOf(container);
    result.observe(delay.cpu, runDelayNs / 1e9, container.labels);
    result.observe(delay.disk, diskDelayNs / 1e9, container.labels);
  };

  const observe = (result: BatchObservableResult, { labels }: Container, totals: Totals): void => {
    const show = (metric: (typeof cpu)['usage'], value: number | undefined): void => {
      if (value !== undefined) result.observe(metric, value, labels);
    };
    show(cpu.usage, totals.usageSeconds);
    show(cpu.throttled, totals.throttledSeconds);
    show(cpu.limit, totals.limitCores);
    show(memory.rss, totals.rssBytes);
    show(memory.cache, totals.cacheBytes);
    show(memory.limit, totals.limitBytes);
    if (totals.pressure === undefined) return;
    for (const [i, resource] of resources.entries()) {
      result.observe(pressure[resource], totals.pressure.some[i]!, withKind(labels, 'some'));
      result.observe(pressure[resource], totals.pressure.full[i]!, withKind(labels, 'full'));
    }
  };

  return {
    name: 'container_resources',
    instruments: [cpu, delay, memory, pressure].flatMap((made) => Object.values(made)),
    async collect(result) {
      const turn = turns();
      // Before the directory is asked who is gone, so that whoever used the CPU is known by then.
      const failure = await deps.tasks.update().catch((error: unknown) => error);
      deps.onLook(failure);
      const containers = await accounts.renew(deps.tasks.takeUsed());
      // Read also what is not shown yet: a container that ends young and shows up later has its counters.
      const living = containers.flatMap((container) =>
        [...accounts.of(container).living.values()].map((reading) => ({ reading, container })),
      );
      for (let start = 0; start < living.length; start += perRead)
        await files.update(living.slice(start, start + perRead));
      for (const container of containers) {
        await turn();
        if (!container.visible) continue;
        observe(result, container, totalsOf(accounts.of(container)));
        if (failure === undefined) observeDelays(result, container);
      }
    },
  };
}
