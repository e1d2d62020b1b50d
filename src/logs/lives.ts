/** How workers die, one after the other, and what is done about it. */
export interface Lives {
  begin(): void;
  /** Answers after how many milliseconds the next one may begin. */
  end(): number;
  /** Whether those before have died so soon, and so often, that what they read may be the cause. */
  readonly isDoomed: boolean;
}

const [firstMs, mostMs] = [1000, 60_000];
/** Who has lived for so long did not die of what the one before did. */
const longMs = 60_000;
const manyDeaths = 3;

export function lives(nowMs: () => number, leastMs = firstMs): Lives {
  let [deaths, sinceMs] = [0, 0];
  return {
    begin: () => (sinceMs = nowMs()),
    end() {
      deaths = nowMs() - sinceMs >= longMs ? 1 : deaths + 1;
      return Math.min(mostMs, leastMs * 2 ** (deaths - 1));
    },
    get isDoomed() {
      return deaths >= manyDeaths;
    },
  };
}
