import type { Meter } from '@opentelemetry/api';
import { containerLogMetrics, logReadingMetrics } from '../catalogue/logs.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import type { Desk } from './desk.ts';
import { kinds } from './messages.ts';
import type { LogSeriesModel } from './series.ts';

/** Messages of containers; those that ended keep their counts. */
export function logsCollector(
  meter: Meter,
  deps: {
    series: LogSeriesModel;
    desk: Pick<Desk, 'count'>;
    /** What the thread does not know of, by reason. */
    refused: () => Readonly<Record<string, number>>;
  },
): Collector {
  const { series, desk } = deps;
  const { messages } = instruments(meter, containerLogMetrics);
  const reading = instruments(meter, logReadingMetrics);
  return {
    name: 'container_logs',
    instruments: [messages, ...Object.values(reading)],
    async collect(result) {
      await desk.count();
      for (const one of series.all()) result.observe(messages, one.messages, one.labels);
      if (series.told === undefined) return;
      const { figures, refused } = series.told;
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
      if (series.told.records !== undefined) {
        const { queued, ...outcomes } = series.told.records;
        result.observe(reading.recordsQueued, queued);
        for (const [outcome, records] of Object.entries(outcomes))
          result.observe(reading.records, records, { outcome });
      }
      const own = deps.refused();
      for (const reason of new Set([...Object.keys(refused), ...Object.keys(own)]))
        result.observe(reading.refused, (refused[reason] ?? 0) + (own[reason] ?? 0), { reason });
    },
  };
}
