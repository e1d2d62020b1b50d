import type { BatchObservableResult, Meter } from '@opentelemetry/api';
import { instruments } from '../catalogue/metric.ts';
import { tcpMetrics } from '../catalogue/tcp.ts';
import type { Collector } from '../collector.ts';
import type { TcpProgram } from '../kernel/tcp.ts';
import type { ContainerDirectory } from '../model/containers.ts';
import { tcpModel } from './model.ts';
import { turns } from '../turns.ts';

/** Series left out of the last snapshot. */
export interface HiddenSeries {
  readonly noContainer: number;
  readonly tooYoung: number;
}

export interface TcpCollector extends Collector {
  hidden(): HiddenSeries;
}

export interface TcpCollectorDeps {
  readonly program: Pick<TcpProgram, 'read' | 'take'>;
  readonly directory: ContainerDirectory;
  /** From `networkFilter`. */
  readonly keeps: (address: Uint8Array) => boolean;
  readonly nowNs?: () => number;
}

/** Outbound TCP connections of containers. The kernel is read once per collection, off the event loop. */
export function tcpCollector(meter: Meter, deps: TcpCollectorDeps): TcpCollector {
  const metrics = instruments(meter, tcpMetrics);
  const { program, directory, keeps, nowNs = monotonicNs } = deps;
  const model = tcpModel({ directory, keeps, nowNs, take: program.take });
  let refreshing: Promise<void> | undefined;
  let tooYoung = 0;

  const refresh = async (): Promise<void> => model.update(await program.read());

  const observe = async (result: BatchObservableResult): Promise<void> => {
    const turn = turns();
    tooYoung = 0;
    for (const { container, labels, successful, failed, active } of model.series()) {
      await turn();
      if (!container.visible) {
        tooYoung++;
        continue;
      }
      if (successful > 0) result.observe(metrics.successful, successful, labels.connection);
      if (failed > 0) result.observe(metrics.failed, failed, labels.failure);
      if (active > 0) result.observe(metrics.active, active, labels.connection);
    }
  };

  return {
    name: 'tcp',
    instruments: Object.values(metrics),
    collect: async (result) => {
      // A collection that missed its deadline may still be under way: share it instead of reading twice.
      refreshing ??= refresh().finally(() => (refreshing = undefined));
      await refreshing;
      await observe(result);
    },
    hidden: () => ({ noContainer: model.withoutContainer(), tooYoung }),
  };
}

/** The clock of bpf_ktime_get_ns(). Exact to the microsecond, which is plenty for minutes. */
export function monotonicNs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}
