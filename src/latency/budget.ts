/** CPU time that may be used: a share of a core in the long run, and what was saved up at once. What was used is known afterwards. */
export class CpuBudget {
  readonly #share: number;
  readonly #mostNs: number;
  readonly #nowMs: () => number;
  #leftNs: number;
  #sinceMs: number;

  constructor(share: number, mostNs: number, nowMs: () => number) {
    this.#share = share;
    this.#mostNs = mostNs;
    this.#nowMs = nowMs;
    this.#leftNs = mostNs;
    this.#sinceMs = nowMs();
  }

  /** Whether there is any left. */
  get hasLeft(): boolean {
    const nowMs = this.#nowMs();
    this.#leftNs = Math.min(this.#mostNs, this.#leftNs + (nowMs - this.#sinceMs) * 1e6 * this.#share);
    this.#sinceMs = nowMs;
    return this.#leftNs > 0;
  }

  spend(usedNs: number): void {
    this.#leftNs -= usedNs;
  }
}
