import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  Attributes,
  BatchObservableCallback,
  HrTime,
  Meter,
  MetricOptions,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';
import type { MetricData } from '@opentelemetry/sdk-metrics';
import { AgentError, unsupported } from '../errors.ts';
import { systemClock, type Clock } from '../host/clock.ts';
import { runCallback, type Outcome, type Registration, type Samples } from './callback.ts';
import { earlier, toHrTime } from './hr-time.ts';
import { Instrument, type CallbackRegistry, type InstrumentKind, type Round } from './instrument.ts';
import { Pace } from './pace.ts';

export interface MeterSettings {
  /**
   * Labels that every point of this metric carries. Answers the same object until they change; undefined while they are
   * waited for: the family is collected, and is in no snapshot.
   */
  readonly constantLabels?: (metric: string) => Attributes | undefined;
  /** A callback that takes longer gives nothing. 2,000 unless told. */
  readonly deadlineMs?: number;
  /** The same of its first run, before which nothing is compiled or cached. Three times as long unless told. */
  readonly firstDeadlineMs?: number;
  /** Points of a snapshot at most. 200,000 unless told. */
  readonly seriesLimit?: number;
  readonly clock?: Clock;
  /** Families of which nothing is shown, by name. */
  readonly disabled?: ReadonlySet<string>;
}

/** What happened so far. Totals, except `series`: points of the last finished collection. */
export interface MeterFigures {
  readonly series: number;
  readonly duplicates: number;
  readonly refused: number;
  /** Not a finite number, not a label, or an instrument that the callback was not registered for. */
  readonly invalid: number;
}

/** Points taken between two turns of the event loop: well below 30 ms even where every series is new. */
const pointsPerTurn = 2000;
const metricName = /^(?!.*__)[A-Za-z_][A-Za-z0-9_]*$/;
const noLabels: Attributes = {};

/**
 * The observable half of the OpenTelemetry metrics API without the storage of the SDK, which never forgets a
 * series: here one that is not observed is gone from the next snapshot on, as the specification asks of
 * asynchronous instruments. Synchronous instruments throw `UNSUPPORTED`.
 */
export class SnapshotMeter implements Meter {
  readonly #constantLabels: (metric: string) => Attributes | undefined;
  readonly #deadlineMs: number;
  readonly #firstDeadlineMs: number;
  readonly #seriesLimit: number;
  readonly #clock: Clock;
  readonly #disabled: ReadonlySet<string>;
  readonly #instruments = new Map<string, Instrument>();
  readonly #registrations = new Set<Registration>();
  readonly #figures = { series: 0, duplicates: 0, refused: 0, invalid: 0 };
  #lastTime: HrTime;

  constructor(settings: MeterSettings = {}) {
    this.#constantLabels = settings.constantLabels ?? (() => noLabels);
    this.#deadlineMs = settings.deadlineMs ?? 2000;
    this.#firstDeadlineMs = settings.firstDeadlineMs ?? 3 * this.#deadlineMs;
    this.#seriesLimit = settings.seriesLimit ?? 200_000;
    this.#clock = settings.clock ?? systemClock;
    this.#disabled = settings.disabled ?? new Set();
    this.#lastTime = toHrTime(this.#clock.now());
  }

  get figures(): MeterFigures {
    return this.#figures;
  }

  createObservableGauge(name: string, options?: MetricOptions): Observable {
    return this.#create('gauge', name, options);
  }

  createObservableCounter(name: string, options?: MetricOptions): Observable {
    return this.#create('counter', name, options);
  }

  createObservableUpDownCounter(name: string, options?: MetricOptions): Observable {
    return this.#create('sum', name, options);
  }

  /** Beyond the API, which has none: observed with a `Distribution`, of the bounds that `advice` gives. */
  createObservableHistogram(name: string, options: MetricOptions): Observable {
    return this.#create('histogram', name, options);
  }

  createCounter(name: string): never {
    throw synchronous(name);
  }

  createUpDownCounter(name: string): never {
    throw synchronous(name);
  }

  createGauge(name: string): never {
    throw synchronous(name);
  }

  createHistogram(name: string): never {
    throw synchronous(name);
  }

  /** Beyond the API: `onOutcome` hears how every run went, deadline included. */
  addBatchObservableCallback(
    callback: BatchObservableCallback,
    instruments: readonly Observable[],
    onOutcome?: (outcome: Outcome) => void,
  ): void {
    this.removeBatchObservableCallback(callback, instruments);
    this.#registrations.add({
      callback,
      instruments,
      run: callback,
      onOutcome,
      began: false,
      running: false,
    });
  }

  removeBatchObservableCallback(callback: BatchObservableCallback, instruments: readonly Observable[]): void {
    for (const registration of this.#registrations) {
      const same = instruments.every((instrument) => registration.instruments.includes(instrument));
      if (registration.callback === callback && same) this.#registrations.delete(registration);
    }
  }

  /**
   * Runs all callbacks and answers the families that have points, sorted by name, with the errors met. Not to be
   * called again before it is done.
   */
  async collect(): Promise<{ metrics: MetricData[]; errors: unknown[] }> {
    const endTime = toHrTime(this.#clock.now());
    const room = this.#seriesLimit;
    // The wall clock may have been set back, and a point must not start after its end.
    const round: Round = { startTime: earlier(this.#lastTime, endTime), endTime, room };
    this.#lastTime = endTime;
    const instruments = [...this.#instruments.values()];
    for (const instrument of instruments) instrument.begin(this.#constantLabels(instrument.descriptor.name));

    const runs = [];
    for (const registration of [...this.#registrations]) {
      const deadlineMs = registration.began ? this.#deadlineMs : this.#firstDeadlineMs;
      const run = runCallback(registration, deadlineMs, this.#seriesLimit);
      runs.push(run.then((result) => ({ ...result, registration })));
      await nextTurn();
    }
    const errors: unknown[] = [];
    const pace = new Pace(pointsPerTurn);
    // In the order of registration, so that of two equal samples always the same one wins.
    for (const { registration, samples, outcome } of await Promise.all(runs)) {
      if (outcome.error === undefined) await this.#take(round, samples, pace);
      else errors.push(outcome.error);
      registration.onOutcome?.(outcome);
    }
    const metrics = await this.#finish(round, instruments, pace);
    this.#figures.series = this.#seriesLimit - round.room;
    return { metrics, errors };
  }

  async #take(round: Round, samples: Samples, pace: Pace): Promise<void> {
    const { instruments, values, attributes } = samples;
    const counts = { accepted: 0, duplicate: 0, refused: samples.overflow, invalid: samples.foreign };
    for (let i = 0; i < values.length; i++) {
      const instrument = instruments[i]!;
      if (this.#disabled.has(instrument.descriptor.name)) continue;
      counts[instrument.add(round, values[i]!, attributes[i]!)]++;
      const turn = pace.spend(1);
      if (turn !== undefined) await turn;
    }
    this.#figures.duplicates += counts.duplicate;
    this.#figures.refused += counts.refused;
    this.#figures.invalid += counts.invalid;
  }

  async #finish(round: Round, instruments: readonly Instrument[], pace: Pace): Promise<MetricData[]> {
    const metrics: MetricData[] = [];
    for (const instrument of instruments) {
      for (const count of instrument.forget(round)) await pace.spend(count);
      const metric = instrument.end(round);
      if (metric !== undefined) metrics.push(metric);
    }
    return metrics.sort((a, b) => (a.descriptor.name < b.descriptor.name ? -1 : 1));
  }

  #create(kind: InstrumentKind, name: string, options: MetricOptions = {}): Instrument {
    const { description = '', unit = '' } = options;
    const known = this.#instruments.get(name);
    if (known !== undefined) {
      if (known.kind === kind && known.descriptor.unit === unit) return known;
      throw new AgentError('EEXIST', `metric ${name} exists already, with another type or unit`);
    }
    if (!metricName.test(name)) throw new AgentError('EINVAL', `${JSON.stringify(name)} is no metric name`);
    const bounds = options.advice?.explicitBucketBoundaries ?? [];
    const instrument = new Instrument(kind, { name, description, unit }, this.#callbacks, bounds);
    this.#instruments.set(name, instrument);
    return instrument;
  }

  readonly #callbacks: CallbackRegistry = {
    add: (instrument, callback) => {
      this.#callbacks.remove(instrument, callback);
      const run = (samples: Samples) =>
        callback({ observe: (value, attributes) => samples.observe(instrument, value, attributes) });
      this.#registrations.add({ callback, instruments: [instrument], run, began: false, running: false });
    },
    remove: (instrument: Instrument, callback: ObservableCallback) => {
      for (const registration of this.#registrations) {
        if (registration.callback === callback && registration.instruments[0] === instrument) {
          this.#registrations.delete(registration);
        }
      }
    },
  };
}

function synchronous(name: string): AgentError {
  return unsupported(`${name}: only observable instruments exist here`);
}
