import { Failures, type FailuresDeps } from './failures.ts';
import type { Ask, Notice, NoticeType, Provider } from './provider.ts';

const everyMs = 5000;
/** A service that fails is asked less and less often, until this. */
const mostMs = 60_000;
/** Nothing is shown once the last answer is older. */
const shownMs = 120_000;

export interface NoticesDeps extends FailuresDeps {
  readonly provider: Provider;
  readonly ask: Ask;
  readonly closing: AbortSignal;
}

/** Asks whether the machine will be taken away, again and again. */
export class Notices {
  readonly #deps: NoticesDeps;
  readonly #told: Failures;
  /** When it will be, in milliseconds since the epoch; -Infinity where nobody says. */
  #current: ReadonlyMap<NoticeType, number> = new Map();
  #answeredMs = -Infinity;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;
  #isWanted = false;

  constructor(deps: NoticesDeps) {
    this.#deps = deps;
    this.#told = new Failures(deps);
    deps.closing.addEventListener('abort', () => this.stop());
  }

  /** Idempotent, as is `stop`. */
  start(): void {
    this.#isWanted = !this.#deps.closing.aborted;
    if (this.#isWanted && this.#timer === undefined && !this.#isAsking) void this.#poll();
  }

  stop(): void {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#current = new Map();
  }

  /** Seconds left by type; 0 where no time is known, or where it has passed. */
  secondsLeft(): ReadonlyMap<NoticeType, number> {
    const { clock } = this.#deps;
    if (clock.monotonic() - this.#answeredMs > shownMs) return new Map();
    const left = (atMs: number): number => Math.max(0, (atMs - clock.now()) / 1000);
    return new Map([...this.#current].map(([type, atMs]) => [type, left(atMs)]));
  }

  async #poll(): Promise<void> {
    const { provider, ask, clock } = this.#deps;
    this.#isAsking = true;
    try {
      const notices = (await provider.notices?.read(ask)) ?? [];
      if (this.#isWanted) {
        this.#take(notices);
        this.#told.worked();
      }
      this.#answeredMs = clock.monotonic();
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      if (this.#isWanted) this.#told.failed(error);
    }
    this.#isAsking = false;
    if (!this.#isWanted) return;
    const delayMs = Math.min(everyMs * 2 ** this.#failures, mostMs);
    this.#timer = setTimeout(() => void this.#poll(), delayMs).unref();
  }

  #take(notices: readonly Notice[]): void {
    const next = new Map<NoticeType, number>();
    for (const notice of notices)
      next.set(notice.type, Math.min(next.get(notice.type) ?? Infinity, this.#timeOf(notice)));
    this.#current = next;
  }

  #timeOf({ type, atMs = NaN, withinMs }: Notice): number {
    if (withinMs !== undefined) return this.#current.get(type) ?? this.#deps.clock.now() + withinMs;
    return Number.isFinite(atMs) ? atMs : -Infinity;
  }
}
