import { setTimeout as sleep } from 'node:timers/promises';
import type { Addon } from '../native/addon.ts';

/** Nobody has pinged for so long: the kernel need not stamp any more. */
const idleMs = 90_000;
/** The kernel begins to stamp in its own time. */
const beginsMs = 50;

/** Has the kernel stamp packets from the first ping on until nobody has pinged for a while. */
export class Stamping {
  readonly #addon: Pick<Addon, 'stampReceived'>;
  readonly #idleMs: number;
  #end: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(addon: Pick<Addon, 'stampReceived'>, idleAfterMs = idleMs) {
    this.#addon = addon;
    this.#idleMs = idleAfterMs;
  }

  /** To be called before each round. False once it is closed. */
  async begin(): Promise<boolean> {
    if (this.#closed) return false;
    if (this.#end === undefined) {
      this.#addon.stampReceived(true);
      this.#end = setTimeout(() => this.#stop(), this.#idleMs).unref();
      await sleep(beginsMs);
    }
    this.#end?.refresh();
    return !this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #stop(): void {
    if (this.#end === undefined) return;
    clearTimeout(this.#end);
    this.#end = undefined;
    this.#addon.stampReceived(false);
  }
}
