import type { Meter } from '@opentelemetry/api';
import { containerLogMetrics, logReadingMetrics } from '../catalogue/logs.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import type { Desk } from './desk.ts';
import { kinds } from './messages.ts';
import type { LogModel } from './model.ts';

/** Messages of containers; those that ended keep their counts. */
export function logsCollector(
  meter: Meter,
  deps: {
    model: LogModel;
    desk: Pick<Desk, 'count'>;
    /** Entries of the journal that are of no container. */
    unattributed: () => number;
  },
): Collector {
  const { model, desk, unattributed } = deps;
  const { messages } = instruments(meter, containerLogMetrics);
  const reading = instruments(meter, logReadingMetrics);
  return {
    name: 'container_logs',
    instruments: [messages, ...Object.values(reading)],
    async collect(result) {
      model.take(await desk.count());
      for (const series of model.series()) result.observe(messages, series.messages, series.labels);
      if (model.told === undefined) return;
      const { figures, refused } = model.told;
      for (const kind of kinds) {
        const { lines, bytes, lagBytes, streams, rotations, destroyedBytes } = figures[kind];
        result.observe(reading.lines, lines, { kind });
        result.observe(reading.bytes, bytes, { kind });
        if (kind === 'journald') continue;
        result.observe(reading.lag, lagBytes, { kind });
        result.observe(reading.streams, streams, { kind });
        result.observe(reading.rotations, rotations, { kind });
        result.observe(reading.destroyed, destroyedBytes, { kind });
      }
      const all = { ...refused, unattributed: unattributed() };
      for (const [reason, count] of Object.entries(all)) result.observe(reading.refused, count, { reason });
    },
  };
}
