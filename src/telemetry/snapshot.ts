import type { Resource } from '@opentelemetry/resources';
import type { CollectionResult, MetricProducer } from '@opentelemetry/sdk-metrics';
import { systemClock, type Clock } from '../host/clock.ts';
import type { SnapshotMeter } from './meter.ts';

export interface SnapshotSettings {
  readonly clock?: Clock;
  /** A snapshot younger than this is handed out again. 1,000 unless told. */
  readonly reuseMs?: number;
}

/**
 * What both readers read. Within a second both get the very same object, which nobody changes; concurrent callers
 * share one collection. There is always exactly one scope: its identity is the identity of the snapshot.
 */
export class Snapshots implements MetricProducer {
  readonly #meter: SnapshotMeter;
  readonly #resource: () => Resource;
  readonly #scope: { name: string; version: string };
  readonly #clock: Clock;
  #reuseMs: number;
  #last: { readonly result: CollectionResult; readonly finishedMs: number } | undefined;
  #running: Promise<CollectionResult> | undefined;
  #gapMs: number | undefined;

  /** `resource` is asked when a snapshot begins, right before the meter asks for constant labels: the two may change together. */
  constructor(
    meter: SnapshotMeter,
    resource: () => Resource,
    scope: { name: string; version: string },
    settings: SnapshotSettings = {},
  ) {
    this.#meter = meter;
    this.#resource = resource;
    this.#scope = scope;
    this.#clock = settings.clock ?? systemClock;
    this.#reuseMs = settings.reuseMs ?? 1000;
  }

  /** True once a first snapshot exists. */
  get ready(): boolean {
    return this.#last !== undefined;
  }

  /** Time between the last two snapshots. */
  get gapMs(): number | undefined {
    return this.#gapMs;
  }

  /** What is observed from now on is in the next one, however soon that is asked for. */
  endReuse(): void {
    this.#reuseMs = 0;
  }

  collect(): Promise<CollectionResult> {
    const last = this.#last;
    if (last !== undefined && this.#clock.monotonic() - last.finishedMs < this.#reuseMs) {
      return Promise.resolve(last.result);
    }
    this.#running ??= this.#take().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #take(): Promise<CollectionResult> {
    const resource = this.#resource();
    const { metrics, errors } = await this.#meter.collect();
    const scopeMetrics = [{ scope: this.#scope, metrics }];
    const result = { resourceMetrics: { resource, scopeMetrics }, errors };
    const finishedMs = this.#clock.monotonic();
    if (this.#last !== undefined) this.#gapMs = finishedMs - this.#last.finishedMs;
    this.#last = { result, finishedMs };
    return result;
  }
}
