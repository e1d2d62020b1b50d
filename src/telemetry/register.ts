import type { Observable } from '@opentelemetry/api';
import type { Collector } from '../collector.ts';
import { codeOf } from '../errors.ts';
import type { Outcome } from './callback.ts';
import type { SnapshotMeter } from './meter.ts';

/** How a collector fares. */
export interface CollectionFigures {
  /** Of the last collection; undefined before the first. */
  readonly durationMs: number | undefined;
  readonly errors: number;
}

/** Each is called on a change of state only: one log line a call. */
export interface CollectionHooks {
  readonly onFailing?: (collector: string, error: unknown) => void;
  readonly onRecovered?: (collector: string) => void;
  /** It threw `UNSUPPORTED` and is not asked again. */
  readonly onUnsupported?: (collector: string, error: unknown) => void;
}

/**
 * Puts a collector on the meter and its figures, live, into `figures`. A collector that is switched off leaves
 * both.
 */
export function register(
  meter: SnapshotMeter,
  collector: Collector,
  figures: Map<string, CollectionFigures>,
  hooks: CollectionHooks = {},
): void {
  const { name } = collector;
  const own: { durationMs: number | undefined; errors: number } = { durationMs: undefined, errors: 0 };
  let failing = false;
  const callback: Collector['collect'] = (result) => collector.collect(result);
  const instruments: readonly Observable[] = collector.instruments;

  const onOutcome = ({ durationMs, error }: Outcome) => {
    if (error !== undefined && codeOf(error) === 'UNSUPPORTED') {
      meter.removeBatchObservableCallback(callback, instruments);
      figures.delete(name);
      hooks.onUnsupported?.(name, error);
      return;
    }
    own.durationMs = durationMs;
    if (error !== undefined) own.errors++;
    if (error !== undefined && !failing) hooks.onFailing?.(name, error);
    if (error === undefined && failing) hooks.onRecovered?.(name);
    failing = error !== undefined;
  };
  figures.set(name, own);
  meter.addBatchObservableCallback(callback, instruments, onOutcome);
}
