import type { Meter } from '@opentelemetry/api';
import { pipelineMetrics } from '../catalogue/agent.ts';
import { instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import type { MeterFigures } from './meter.ts';
import type { ExportFigures } from './otlp.ts';
import type { ScrapeFigures } from './page.ts';
import type { CollectionFigures } from './register.ts';

/** Where the figures come from. A part that is switched off is absent, and so are its families. */
export interface PipelineSources {
  readonly collections: ReadonlyMap<string, CollectionFigures>;
  readonly meter: () => MeterFigures;
  /** Time between the last two snapshots. */
  readonly gapMs: () => number | undefined;
  readonly exports?: () => ExportFigures | undefined;
  readonly scrapes?: () => ScrapeFigures | undefined;
  readonly logLinesDropped?: () => number;
}

/**
 * How collecting and exporting goes. What is said of a snapshot or of a collector's last run (series, age, duration)
 * is of the snapshot before: the one under way is not finished while this is asked.
 */
export function pipelineCollector(meter: Meter, sources: PipelineSources): Collector {
  const metrics = instruments(meter, pipelineMetrics);
  let first = true;
  return {
    name: 'pipeline',
    instruments: Object.values(metrics),
    collect(result) {
      for (const [collector, { durationMs, errors }] of sources.collections) {
        if (durationMs !== undefined) {
          result.observe(metrics.collectionSeconds, durationMs / 1000, { collector });
        }
        result.observe(metrics.collectionErrors, errors, { collector });
      }
      const { series, duplicates, refused, invalid } = sources.meter();
      if (!first) result.observe(metrics.series, series);
      first = false;
      result.observe(metrics.duplicates, duplicates);
      result.observe(metrics.refusedSeries, refused);
      result.observe(metrics.invalidSamples, invalid);
      const gapMs = sources.gapMs();
      if (gapMs !== undefined) result.observe(metrics.snapshotAge, gapMs / 1000);

      const exports = sources.exports?.();
      if (exports !== undefined) {
        result.observe(metrics.exports, exports.ok, { result: 'ok' });
        result.observe(metrics.exports, exports.failed, { result: 'failed' });
      }
      const scrapes = sources.scrapes?.();
      if (scrapes !== undefined) {
        result.observe(metrics.scrapes, scrapes.ok, { result: 'ok' });
        result.observe(metrics.scrapes, scrapes.failed, { result: 'failed' });
        result.observe(metrics.scrapes, scrapes.refused, { result: 'refused' });
      }
      const dropped = sources.logLinesDropped?.();
      if (dropped !== undefined) result.observe(metrics.logLinesDropped, dropped);
    },
  };
}
