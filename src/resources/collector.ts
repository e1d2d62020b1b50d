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
import { resources } from './pressure.ts';
import { readings } from './readings.ts';
import { sourcesOf } from './sources.ts';
import type { TaskModel } from './tasks.ts';
import { emptyAccount, renew, settle, totalsOf, use, type Account, type Totals } from './totals.ts';

/** Cgroups whose files are read in one call: bounds what is in memory at a time. */
const perRead = 256;

export interface ResourcesDeps {
  readonly containers: ContainerList & Pick<CgroupDirectory, 'topOf'>;
  readonly controllers: Controllers;
  readonly read: TextReader;
  /** What tasks have waited for and used. */
  readonly tasks: TaskModel;
  /** Called before every look. */
  readonly onLook: () => void;
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
  const accounts = new WeakMap<Container, Account>();

  /** The cgroups that every container has now, with what was read of them before. */
  const renewAll = async (turn: ReturnType<typeof turns>): Promise<void> => {
    for (const container of deps.containers.all()) {
      await turn();
      const known = accounts.get(container);
      const account = known ?? emptyAccount();
      accounts.set(container, account);
      const older = known === undefined && container.wasThere;
      renew(account, container.topCgroups, (path) => files.fresh(path, older));
      settle(account, (cgroupId) => deps.containers.topOf(cgroupId) !== undefined);
    }
  };

  const observe = (result: BatchObservableResult, container: Container, totals: Totals): void => {
    const { labels } = container;
    const { runDelayNs, diskDelayNs } = deps.tasks.delaysOf(container);
    result.observe(delay.cpu, runDelayNs / 1e9, labels);
    result.observe(delay.disk, diskDelayNs / 1e9, labels);
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
      deps.onLook();
      // Before the directory is asked who is gone, so that whoever used the CPU is known by then.
      await deps.tasks.update();
      await renewAll(turn);
      for (const { container, topId, execNs } of deps.tasks.used()) {
        await turn();
        const account = accounts.get(container);
        if (account !== undefined) use(account, topId, execNs / 1e9, () => files.fresh('', false));
      }
      const containers = [...deps.containers.all()];
      // Read also what is not shown yet: a container that ends young and shows up later has its counters.
      const living = containers.flatMap((container) =>
        [...(accounts.get(container)?.living.values() ?? [])].map((reading) => ({ reading, container })),
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
