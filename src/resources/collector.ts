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
import type { Container, ContainerList, ListedContainer } from '../model/containers.ts';
import { turns } from '../turns.ts';
import { labelsWith } from '../model/labels.ts';
import { resources } from './pressure.ts';
import { readings, type Reading } from './readings.ts';
import { sourcesOf } from './sources.ts';
import { retire, totalsOf, type Account, type Totals } from './totals.ts';

/** Cgroups whose files are read in one call: bounds what is in memory at a time. */
const perRead = 256;

export interface ResourcesDeps {
  readonly containers: ContainerList;
  readonly controllers: Controllers;
  readonly read: TextReader;
  /** On the monotonic clock. */
  readonly nowMs: () => number;
}

/**
 * CPU, memory and pressure of containers, from the files of their topmost cgroups. Once those are gone the counters stay as
 * they were read last, and the gauges go.
 */
export function resourcesCollector(meter: Meter, deps: ResourcesDeps): Collector {
  const cpu = instruments(meter, containerCpuMetrics);
  const memory = instruments(meter, containerMemoryMetrics);
  const pressure = instruments(meter, containerPressureMetrics);
  const withKind = labelsWith((kind: 'some' | 'full') => ({ kind }));
  const files = readings(sourcesOf(deps.controllers), deps.read, deps.nowMs);
  const accounts = new WeakMap<ListedContainer, Account>();

  /** The cgroups that a container has now, with what was read of them before. */
  const accountOf = (container: ListedContainer): Account => {
    const account = accounts.get(container) ?? { living: new Map<number, Reading>(), gone: {} };
    accounts.set(container, account);
    const now = new Set(container.topCgroups.map(({ id }) => id));
    for (const id of account.living.keys()) if (!now.has(id)) retire(account, id);
    for (const { id, path } of container.topCgroups)
      if (!account.living.has(id)) account.living.set(id, files.fresh(path));
    return account;
  };

  const observe = (result: BatchObservableResult, container: Container, totals: Totals): void => {
    const { labels } = container;
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
    instruments: [cpu, memory, pressure].flatMap((made) => Object.values(made)),
    async collect(result) {
      const turn = turns();
      const containers = [...deps.containers.all()];
      // Read also what is not shown yet: a container that ends young and shows up later has its counters.
      const living = containers.flatMap((container) =>
        [...accountOf(container).living.values()].map((reading) => ({ reading, container })),
      );
      for (let start = 0; start < living.length; start += perRead)
        await files.update(living.slice(start, start + perRead));
      for (const container of containers) {
        await turn();
        const account = accounts.get(container);
        if (container.visible && account !== undefined) observe(result, container, totalsOf(account));
      }
    },
  };
}
