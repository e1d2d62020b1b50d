import type { BatchObservableResult, Meter } from '@opentelemetry/api';
import type { Collector } from '../collector.ts';
import type { TcpProgram } from '../kernel/tcp-program.ts';
import type { ContainerDirectory } from '../model/containers.ts';
import type { Upstreams } from '../model/upstreams.ts';
import { tcpModel } from './model.ts';
import { observeInbound, observeOutbound, observeTimes, tcpInstruments } from './observe.ts';
import { timesModel } from './times.ts';
import { upstreamsOf } from './upstreams.ts';
import { turns } from '../turns.ts';

/** Series left out of the last snapshot. */
export interface HiddenSeries {
  readonly noContainer: number;
  readonly tooYoung: number;
}

export interface TcpCollector extends Collector {
  hidden(): HiddenSeries;
  readonly upstreams: Upstreams;
}

export interface TcpCollectorDeps {
  readonly program: Pick<TcpProgram, 'read' | 'take'>;
  readonly directory: ContainerDirectory;
  /** From `networkFilter`. */
  readonly keeps: (address: Uint8Array) => boolean;
  readonly nowNs?: () => number;
}

/** TCP connections of containers. The kernel is read once per collection, off the event loop. */
export function tcpCollector(meter: Meter, deps: TcpCollectorDeps): TcpCollector {
  const metrics = tcpInstruments(meter);
  const { program, directory, keeps, nowNs = monotonicNs } = deps;
  const model = tcpModel({ directory, keeps, nowNs, take: program.take });
  const times = timesModel(directory, program.take);
  let refreshing: Promise<void> | undefined;
  let tooYoung = 0;

  const refresh = async (): Promise<void> => {
    const reading = await program.read();
    times.update(reading);
    await model.update(reading);
  };

  const observe = async (result: BatchObservableResult): Promise<void> => {
    const turn = turns();
    tooYoung = 0;
    for (const series of model.series()) {
      await turn();
      if (!series.container.visible) tooYoung++;
      else if (series.inbound) observeInbound(result, metrics, series);
      else observeOutbound(result, metrics, series);
    }
    for (const each of times.all()) {
      await turn();
      if (each.container.visible) observeTimes(result, metrics, each);
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
    upstreams: { list: async () => (await refreshing?.catch(() => {}), upstreamsOf(model.series())) },
  };
}

/** The clock of bpf_ktime_get_ns(). Exact to the microsecond, which is plenty for minutes. */
export function monotonicNs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}
