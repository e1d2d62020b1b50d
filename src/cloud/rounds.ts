import { Failures, type FailuresDeps } from './failures.ts';

const refreshMs = 3_600_000;
const [leastBackOffMs, mostBackOffMs] = [1000, 300_000];
/** How often it is looked whether the machine has slept. */
const lookMs = 30_000;
/** The clock of the day has gone so much further than the one that stops while the machine sleeps. */
const sleptMs = 10_000;

export interface RoundsDeps extends FailuresDeps {
  readonly round: () => Promise<void>;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** From 1, 2, 4, ... seconds to twice as much, by chance; from half of five minutes to all of them in the end. */
export function backOffMs(failures: number, random: () => number): number {
  const leastMs = Math.min(leastBackOffMs * 2 ** failures, mostBackOffMs / 2);
  return leastMs * (1 + random());
}

/** Begins a round at once, hourly, and when the machine resumes; again with growing pauses while it fails. One at a time. */
export class Rounds {
  readonly #deps: RoundsDeps;
  readonly #told: Failures;
  readonly #watch: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isRunning = false;
  #isDue = false;
  #isClosed = false;
  #aheadMs: number;

  constructor(deps: RoundsDeps) {
    this.#deps = deps;
    this.#told = new Failures(deps);
    this.#aheadMs = this.#ahead();
    this.#watch = setInterval(() => this.#look(), lookMs).unref();
    void this.#run();
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#watch);
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isRunning = true;
    this.#isDue = false;
    const { round, random = Math.random } = this.#deps;
    let delayMs = refreshMs;
    try {
      await round();
      this.#failures = 0;
      if (!this.#isClosed) this.#told.worked();
    } catch (error) {
      if (!this.#isClosed) this.#told.failed(error);
      delayMs = backOffMs(this.#failures++, random);
    }
    this.#isRunning = false;
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#run(), this.#isDue ? 0 : delayMs).unref();
  }

  /** `CLOCK_MONOTONIC` stands still in suspend, and that of a virtual machine while it is stopped. */
  #ahead(): number {
    return this.#deps.clock.now() - this.#deps.clock.monotonic();
  }

  #look(): void {
    const aheadMs = this.#ahead();
    const hasSlept = aheadMs - this.#aheadMs > sleptMs;
    this.#aheadMs = aheadMs;
    if (!hasSlept) return;
    if (this.#isRunning) this.#isDue = true;
    else void this.#run();
  }
}
