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
import { cpuV1, cpuV2, type Cpu } from './cpu.ts';
import type { FigureSource } from './figures.ts';
import { kindLabels } from './labels.ts';
import { memoryV1, memoryV2, type Memory } from './memory.ts';
import { pressureV2, resources, type Pressure } from './pressure.ts';

/** Containers whose files are read in one call: bounds what is in memory at a time. */
const perRead = 256;

interface Figures {
  readonly cpu: Cpu;
  readonly memory: Memory;
  readonly pressure: Pressure | undefined;
}

export interface ResourcesDeps {
  readonly containers: ContainerList;
  readonly controllers: Controllers;
  readonly read: TextReader;
}

/**
 * CPU, memory and pressure of containers, from the files of their topmost cgroup. Once that is gone the counters stay as
 * they were read last, and the gauges go.
 */
export function resourcesCollector(
  meter: Meter,
  { containers, controllers, read }: ResourcesDeps,
): Collector {
  const cpu = instruments(meter, containerCpuMetrics);
  const memory = instruments(meter, containerMemoryMetrics);
  const pressure = instruments(meter, containerPressureMetrics);
  const figuresOf = reading(controllers, read);
  const last = new WeakMap<Container, Figures>();

  const observe = (
    result: BatchObservableResult,
    container: Container,
    figures: Figures,
    alive: boolean,
  ): void => {
    const { labels } = container;
    const show = (metric: (typeof cpu)['usage'], value: number | undefined): void => {
      if (value !== undefined) result.observe(metric, value, labels);
    };
    show(cpu.usage, figures.cpu.usageSeconds);
    show(cpu.throttled, figures.cpu.throttledSeconds);
    if (figures.pressure !== undefined) {
      const kinds = kindLabels(container);
      for (const [i, resource] of resources.entries()) {
        result.observe(pressure[resource], figures.pressure.some[i]!, kinds.some);
        result.observe(pressure[resource], figures.pressure.full[i]!, kinds.full);
      }
    }
    if (!alive) return;
    show(cpu.limit, figures.cpu.limitCores);
    show(memory.rss, figures.memory.rssBytes);
    show(memory.cache, figures.memory.cacheBytes);
    show(memory.limit, figures.memory.limitBytes);
  };

  return {
    name: 'container_resources',
    instruments: [cpu, memory, pressure].flatMap((made) => Object.values(made)),
    async collect(result) {
      const turn = turns();
      // Read also what is not shown yet: a container that ends young and shows up later has its counters.
      const all = [...containers.all()];
      for (let start = 0; start < all.length; start += perRead) {
        const some = all.slice(start, start + perRead);
        const figures = await figuresOf(some.map(({ cgroup }) => cgroup));
        for (const [i, container] of some.entries()) {
          await turn();
          const fresh = figures[i];
          if (fresh !== undefined) last.set(container, fresh);
          const shown = fresh ?? last.get(container);
          if (shown !== undefined && container.visible)
            observe(result, container, shown, fresh !== undefined);
        }
      }
    },
  };
}

/** Reads cgroups by their paths; `undefined` for one that is gone. */
function reading(
  { v1, v2 }: Controllers,
  read: TextReader,
): (paths: readonly (string | undefined)[]) => Promise<(Figures | undefined)[]> {
  const nothing: FigureSource<object> = { files: () => [], parse: () => ({}) };
  const onV2 = <T>(source: (root: string) => FigureSource<T>, otherwise: FigureSource<T>): FigureSource<T> =>
    v2 === undefined ? otherwise : source(v2);
  const cpu = (v1.cpu ?? v1.cpuacct) ? cpuV1(v1.cpuacct, v1.cpu) : onV2<Cpu>(cpuV2, nothing);
  const memory = v1.memory === undefined ? onV2<Memory>(memoryV2, nothing) : memoryV1(v1.memory);
  const pressure = onV2<Pressure | undefined>(pressureV2, { files: () => [], parse: () => undefined });

  return async (paths) => {
    const filesOf = (path: string | undefined): string[][] =>
      [cpu, memory, pressure].map((source) => (path === undefined ? [] : [...source.files(path)]));
    const files = paths.map(filesOf);
    const texts = (await read(files.flat(2))).values();
    const take = (count: number): (string | undefined)[] =>
      Array.from({ length: count }, () => texts.next().value);
    return files.map(([ofCpu, ofMemory, ofPressure]) => {
      const read = [ofCpu, ofMemory, ofPressure].map((some) => take(some?.length ?? 0));
      if (read.flat().every((text) => text === undefined)) return undefined;
      const [cpuTexts = [], memoryTexts = [], pressureTexts = []] = read;
      return {
        cpu: cpu.parse(cpuTexts),
        memory: memory.parse(memoryTexts),
        pressure: pressure.parse(pressureTexts),
      };
    });
  };
}
