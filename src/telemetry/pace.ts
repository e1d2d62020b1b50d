import { setImmediate as nextTurn } from 'node:timers/promises';

/** Work in portions: the event loop gets a turn whenever `units` of it are done. */
export class Pace {
  readonly #units: number;
  #done = 0;

  constructor(units: number) {
    this.#units = units;
  }

  /** Undefined while there is no need to wait. */
  spend(units: number): Promise<void> | undefined {
    this.#done += units;
    if (this.#done < this.#units) return undefined;
    this.#done = 0;
    return nextTurn();
  }
}
