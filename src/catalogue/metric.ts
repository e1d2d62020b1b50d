import type { Meter, MetricOptions, ObservableCounter, ObservableGauge } from '@opentelemetry/api';

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
  readonly type: 'gauge' | 'counter';
  /** UCUM unit. Gauges never have unit `1`: a Collector would append `_ratio`. */
  readonly unit: string;
  readonly help: string;
  /** Labels beyond the constant ones of the scope, sorted as documented. */
  readonly labels: readonly string[];
  readonly scope: Scope;
  /** True for families that the reference does not have. */
  readonly own?: boolean;
}

/** Creates the observable instrument of a declared family. */
export function instrument(meter: Meter, spec: MetricSpec): ObservableGauge | ObservableCounter {
  const options: MetricOptions = { description: spec.help, unit: spec.unit };
  return spec.type === 'counter'
    ? meter.createObservableCounter(spec.name, options)
    : meter.createObservableGauge(spec.name, options);
}

/** Creates the instruments of a table of families under the table's own keys. */
export function instruments<T extends Record<string, MetricSpec>>(
  meter: Meter,
  table: T,
): { [K in keyof T]: ObservableGauge | ObservableCounter } {
  const made = Object.entries(table).map(([key, spec]) => [key, instrument(meter, spec)]);
  return Object.fromEntries(made) as { [K in keyof T]: ObservableGauge | ObservableCounter };
}
