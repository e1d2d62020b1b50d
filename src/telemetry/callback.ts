import type {
  Attributes,
  BatchObservableCallback,
  BatchObservableResult,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';
import type { Distribution } from '../catalogue/metric.ts';
import { AgentError } from '../errors.ts';
import type { Instrument } from './instrument.ts';

/** How one run of a callback went. With an error none of its samples is used. */
export interface Outcome {
  readonly durationMs: number;
  readonly error?: unknown;
}

/** A callback as the meter keeps it. */
export interface Registration {
  readonly callback: ObservableCallback | BatchObservableCallback;
  /** What it may observe. */
  readonly instruments: readonly Observable[];
  readonly run: (samples: Samples) => void | Promise<void>;
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
  /** It has been run before. */
  began: boolean;
  /** True until its promise settles, past the deadline too. */
  running: boolean;
}

/** What one run observed: three columns, because one object a sample would be half of the garbage of a collection. */
export class Samples implements BatchObservableResult {
  readonly instruments: Instrument[] = [];
  readonly values: (number | Distribution)[] = [];
  readonly attributes: Attributes[] = [];
  /** Observations of instruments that the callback was not registered for. */
  foreign = 0;
  /** Observations beyond the limit. */
  overflow = 0;
  readonly #allowed: ReadonlySet<Observable>;
  readonly #limit: number;
  #open = true;

  constructor(allowed: readonly Observable[], limit: number) {
    this.#allowed = new Set(allowed);
    this.#limit = limit;
  }

  observe(instrument: Observable, value: number | Distribution, attributes: Attributes = noAttributes): void {
    if (!this.#open) return;
    if (!this.#allowed.has(instrument)) this.foreign++;
    else if (this.values.length >= this.#limit) this.overflow++;
    else {
      this.instruments.push(instrument as Instrument);
      this.values.push(value);
      this.attributes.push(attributes);
    }
  }

  /** What a late callback still observes goes nowhere. */
  close(): void {
    this.#open = false;
  }
}

const noAttributes: Attributes = {};

/**
 * Runs a callback once, into a buffer of its own. Never rejects. Errors: whatever the callback throws, `ETIMEDOUT`
 * past the deadline, `EBUSY` while an earlier run has not come back (it is not started a second time).
 */
export async function runCallback(
  registration: Registration,
  deadlineMs: number,
  limit: number,
): Promise<{ samples: Samples; outcome: Outcome }> {
  const samples = new Samples(registration.instruments, limit);
  const startMs = performance.now();
  const { promise: expired, resolve: expire } = Promise.withResolvers<void>();
  const timer = setTimeout(expire, deadlineMs);
  let error: unknown;
  try {
    await Promise.race([work(registration, samples), expired]);
    // By the time that passed: a callback that blocked the event loop beats the timer, and is late all the same.
    if (performance.now() - startMs >= deadlineMs) {
      throw new AgentError('ETIMEDOUT', `not finished after ${deadlineMs} ms`);
    }
  } catch (thrown) {
    error = thrown ?? new AgentError('UNKNOWN', 'callback failed without a reason');
  } finally {
    clearTimeout(timer);
    samples.close();
  }
  const durationMs = performance.now() - startMs;
  return { samples, outcome: error === undefined ? { durationMs } : { durationMs, error } };
}

async function work(registration: Registration, samples: Samples): Promise<void> {
  if (registration.running) throw new AgentError('EBUSY', 'the run before has not come back');
  registration.began = true;
  registration.running = true;
  try {
    await registration.run(samples);
  } finally {
    registration.running = false;
  }
}
