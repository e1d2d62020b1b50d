import type { Meter } from '@opentelemetry/api';
import { agentMetrics, featureMetrics, processMetrics } from '../catalogue/agent.ts';
import { instrument, instruments } from '../catalogue/metric.ts';
import type { Collector } from '../collector.ts';
import type { Features } from '../features.ts';
import type { ScrapeFigures } from './page.ts';

/** Which agent this is, and the errors of its scrape endpoint; both causes are there from the start. */
export function agentCollector(
  meter: Meter,
  version: string,
  scrapes: () => Pick<ScrapeFigures, 'gatheringErrors' | 'encodingErrors'> | undefined,
): Collector {
  const info = instrument(meter, agentMetrics.info);
  const scrapeErrors = instrument(meter, agentMetrics.scrapeErrors);
  return {
    name: 'agent',
    instruments: [info, scrapeErrors],
    collect(result) {
      const figures = scrapes();
      result.observe(info, 1, { version });
      result.observe(scrapeErrors, figures?.gatheringErrors ?? 0, { cause: 'gathering' });
      result.observe(scrapeErrors, figures?.encodingErrors ?? 0, { cause: 'encoding' });
    },
  };
}

/** What the agent's own process costs, by getrusage(2) and /proc/self/stat as Node reads them. */
export function processCollector(meter: Meter): Collector {
  const metrics = instruments(meter, processMetrics);
  return {
    name: 'process',
    instruments: Object.values(metrics),
    collect(result) {
      const usage = process.cpuUsage();
      result.observe(metrics.cpuSeconds, usage.user / 1e6, { mode: 'user' });
      result.observe(metrics.cpuSeconds, usage.system / 1e6, { mode: 'system' });
      result.observe(metrics.rssBytes, process.memoryUsage.rss());
    },
  };
}

/** What is switched on. */
export function featureCollector(meter: Meter, features: Features): Collector {
  const { enabled } = instruments(meter, featureMetrics);
  return {
    name: 'features',
    instruments: [enabled],
    collect(result) {
      for (const [feature, state] of features.all()) {
        result.observe(enabled, state.enabled ? 1 : 0, { feature, reason: state.reason });
      }
    },
  };
}
