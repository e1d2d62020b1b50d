import type { Clock } from '../host/clock.ts';
import type { Ask, Notice, NoticeType, Provider } from './provider.ts';

const everyMs = 5000;
/** A service that fails is asked less and less often, until this. */
const mostMs = 60_000;
/** Nothing is shown once the last answer is older. */
const shownMs = 120_000;

export interface NoticesDeps {
  readonly provider: Provider;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly onProblem: (error: unknown) => void;
  readonly closing: AbortSignal;
}

/** Asks whether the machine will be taken away, again and again. */
export class Notices {
  readonly #deps: NoticesDeps;
  /** When it will be, in milliseconds since the epoch; undefined where nobody says. */
  #current: ReadonlyMap<NoticeType, number | undefined> = new Map();
  #answeredMs = -Infinity;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;
  #isWanted = false;

  constructor(deps: NoticesDeps) {
    this.#deps = deps;
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
    const left = (atMs = -Infinity): number => Math.max(0, (atMs - clock.now()) / 1000);
    return new Map([...this.#current].map(([type, atMs]) => [type, left(atMs)]));
  }

  async #poll(): Promise<void> {
    const { provider, ask, clock, onProblem } = this.#deps;
    this.#isAsking = true;
    try {
      const notices = (await provider.notices?.read(ask)) ?? [];
      if (this.#isWanted) this.#take(notices);
      this.#answeredMs = clock.monotonic();
      this.#failures = 0;
    } catch (error) {
      if (this.#failures++ === 0 && this.#isWanted) onProblem(error);
    }
    this.#isAsking = false;
    if (!this.#isWanted) return;
    const delayMs = Math.min(everyMs * 2 ** this.#failures, mostMs);
    this.#timer = setTimeout(() => void this.#poll(), delayMs).unref();
  }

  #take(notices: readonly Notice[]): void {
    const next = new Map<NoticeType, number | undefined>();
    for (const notice of notices) {
      const atMs = this.#timeOf(notice);
      const other = next.get(notice.type);
      next.set(notice.type, other === undefined || atMs === undefined ? atMs : Math.min(other, atMs));
    }
    this.#current = next;
  }

  #timeOf({ type, atMs, withinMs }: Notice): number | undefined {
    if (withinMs !== undefined) return this.#current.get(type) ?? this.#deps.clock.now() + withinMs;
    return Number.isFinite(atMs) ? atMs : undefined;
  }
}
