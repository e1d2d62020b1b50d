import type { Clock } from '../host/clock.ts';

/** From one failure that is told to the next. */
const quietMs = 3_600_000;

export interface FailuresDeps {
  readonly clock: Clock;
  readonly onFailing: (error: unknown) => void;
  readonly onRecovered: () => void;
}

/** Tells that something fails, once, and once that it works again; both hourly at most, however often it changes. */
export class Failures {
  readonly #deps: FailuresDeps;
  #toldMs = -Infinity;
  #isTold = false;

  constructor(deps: FailuresDeps) {
    this.#deps = deps;
  }

  failed(error: unknown): void {
    const nowMs = this.#deps.clock.monotonic();
    if (this.#isTold || nowMs - this.#toldMs < quietMs) return;
    this.#isTold = true;
    this.#toldMs = nowMs;
    this.#deps.onFailing(error);
  }

  worked(): void {
    if (this.#isTold) this.#deps.onRecovered();
    this.#isTold = false;
  }
}
