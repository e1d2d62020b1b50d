import type { Attributes, BatchObservableResult, Meter, MetricOptions, Observable } from '@opentelemetry/api';

/**
 * Which constant labels a family carries on every point:
 * `bare` none; `node` machine_id and system_uuid; `agent` the same plus az and region when both are known;
 * `container` those of `agent` plus container_id and app_id, which the collector itself observes.
 */
export type Scope = 'bare' | 'node' | 'agent' | 'container';

/** One metric family, declared once. Documentation, scopes and tests are derived from it. */
export interface MetricSpec {
  /** Exact name, as Prometheus shows it. */
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  /** Of a histogram: upper bounds of its buckets, in its unit, rising. */
  readonly bounds?: readonly number[];
  /** UCUM unit. Gauges never have unit `1`: a Collector would append `_ratio`. */
  readonly unit: string;
  readonly help: string;
  /** Labels beyond the constant ones of the scope, sorted as documented. */
  readonly labels: readonly string[];
  readonly scope: Scope;
  /** True for families that the reference does not have. */
  readonly own?: boolean;
}

/** What a histogram is observed with: cumulative since it began, one count for each bucket and one for what is beyond the last. */
export interface Distribution {
  readonly sum: number;
  readonly counts: readonly number[];
}

/** The meter's own addition to the API, which has no observable histograms. */
export interface HistogramMeter {
  createObservableHistogram(name: string, options: MetricOptions): Observable;
}

/** Likewise: a result that takes distributions. */
export interface DistributionResult {
  observe(instrument: Observable, value: Distribution, attributes?: Attributes): void;
}

/** Observes a histogram. */
export function observeDistribution(
  result: BatchObservableResult,
  instrument: Observable,
  value: Distribution,
  attributes: Attributes,
): void {
  (result as unknown as DistributionResult).observe(instrument, value, attributes);
}

/** Creates the observable instrument of a declared family. */
export function instrument(meter: Meter, spec: MetricSpec): Observable {
  const options: MetricOptions = { description: spec.help, unit: spec.unit };
  if (spec.type === 'counter') return meter.createObservableCounter(spec.name, options);
  if (spec.type === 'gauge') return meter.createObservableGauge(spec.name, options);
  const advice = { explicitBucketBoundaries: [...(spec.bounds ?? [])] };
  return (meter as unknown as HistogramMeter).createObservableHistogram(spec.name, { ...options, advice });
}

/** Creates the instruments of a table of families under the table's own keys. */
export function instruments<T extends Record<string, MetricSpec>>(
  meter: Meter,
  table: T,
): { [K in keyof T]: Observable } {
  const made = Object.entries(table).map(([key, spec]) => [key, instrument(meter, spec)]);
  return Object.fromEntries(made) as { [K in keyof T]: Observable };
}
