import type { Attributes, Meter } from '@opentelemetry/api';
import { containerListenMetrics, listenModelMetrics, nodeListenMetrics } from '../catalogue/listens.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import type { TcpReading } from '../kernel/tcp-program.ts';
import type { ContainerList, ListedContainer } from '../model/containers.ts';
import type { Listen, ListenModel } from './model.ts';
import type { Namespaces } from './namespaces.ts';
import type { Overflows } from './overflows.ts';
import { listenSeries, type SeriesDeps } from './series.ts';
import { turns } from '../turns.ts';

export interface ListensDeps extends Omit<SeriesDeps, 'namespaces'> {
  readonly read: () => Promise<Pick<TcpReading, 'listens' | 'walk'>>;
  readonly model: ListenModel;
  readonly containers: ContainerList;
  readonly namespaces: Namespaces;
  readonly overflows: Overflows;
}

/** Where containers listen, and who waits there. */
export function listensCollector(meter: Meter, deps: ListensDeps): Collector {
  const metrics = instruments(meter, containerListenMetrics);
  const { hidden: hiddenListens } = instruments(meter, listenModelMetrics);
  const { overflows: hostOverflows } = instruments(meter, nodeListenMetrics);
  const { model, namespaces, overflows, hostNetnsInode } = deps;
  const labels = labelKeeper();
  let updating: Promise<void> | undefined;

  return {
    name: 'listens',
    instruments: [...Object.values(metrics), hostOverflows, hiddenListens],
    async collect(result) {
      // A collection that missed its deadline may still be under way.
      updating ??= deps
        .read()
        .then((reading) => model.update(reading))
        .finally(() => (updating = undefined));
      await updating;
      const living = new Map<unknown, ListedContainer>();
      for (const container of deps.containers.all())
        if (container.topCgroups.length > 0) living.set(container, container);
      const listens = model.byContainer();
      const turn = turns();
      let hidden = model.refused();
      const inNamespaces = new Map<number, ListedContainer | undefined>();
      if (hostNetnsInode !== 0) inNamespaces.set(hostNetnsInode, undefined);
      for (const container of new Set([...listens.keys(), ...living.values()])) {
        await turn();
        if (!container.visible) continue;
        const own = listens.get(container) ?? [];
        const series = listenSeries(container, living.get(container), own, deps);
        hidden += series.hidden;
        const labelled = labels.of(container.labels);
        let overflowed: number | undefined;
        for (const inode of living.has(container) ? namespacesOf(own) : []) {
          if (hostNetnsInode === 0 || inode === hostNetnsInode) continue;
          inNamespaces.set(inode, living.get(container));
          const count = overflows.of(inode);
          if (count !== undefined) overflowed = (overflowed ?? 0) + count;
        }
        if (overflowed !== undefined) result.observe(metrics.overflows, overflowed, container.labels);
        for (const [address, value] of series.info)
          result.observe(metrics.info, value, labelled({ listen_addr: address, proxy: '' }));
        for (const address of series.published)
          result.observe(metrics.info, 1, labelled({ listen_addr: address, proxy: 'dockerd' }));
        for (const [bound, { waiting, limit, drops }] of series.queues) {
          const at = labelled({ listen_addr: bound });
          if (waiting !== undefined) result.observe(metrics.queue, waiting, at);
          if (limit !== undefined) result.observe(metrics.limit, limit, at);
          if (drops !== undefined) result.observe(metrics.drops, drops, at);
        }
      }
      labels.tidy();
      result.observe(hiddenListens, hidden + namespaces.refused());
      const ofHost = overflows.of(hostNetnsInode);
      if (ofHost !== undefined) result.observe(hostOverflows, ofHost);
      void namespaces.refresh();
      void overflows.refresh(inNamespaces);
    },
  };
}

/** Where somebody listens. */
const namespacesOf = (listens: readonly Listen[]): Set<number> =>
  new Set(listens.flatMap(({ latest }) => (latest.sockets > 0 ? [latest.netnsInode] : [])));

type Labelled = (more: Attributes) => Attributes;

/** The same object for the same labels, because series are found again by it; those that were not used since the last `tidy` go. */
function labelKeeper(): { of(container: Attributes): Labelled; tidy(): void } {
  let before = new Map<Attributes, Map<string, Attributes>>();
  let now = new Map<Attributes, Map<string, Attributes>>();
  return {
    of(container) {
      const used = new Map<string, Attributes>();
      now.set(container, used);
      return (more) => {
        const key = Object.values(more).join(' ');
        const labels = before.get(container)?.get(key) ?? { ...container, ...more };
        used.set(key, labels);
        return labels;
      };
    },
    tidy() {
      before = now;
      now = new Map<Attributes, Map<string, Attributes>>();
    },
  };
}
