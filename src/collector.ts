import type { BatchObservableResult, Observable } from '@opentelemetry/api';

/**
 * One subject that can be observed. Everything it observes in one call goes into one snapshot.
 *
 * `collect` runs under a deadline set by the snapshot. When it throws or is late, none of its samples are
 * used: absent, never stale. It throws an AgentError with code `UNSUPPORTED` to be switched off for good.
 */
export interface Collector {
  /** Value of the label `collector` of the self-metrics: lower case, words joined by `_`. */
  readonly name: string;
  readonly instruments: readonly Observable[];
  collect(result: BatchObservableResult): void | Promise<void>;
}
