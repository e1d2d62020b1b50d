import type { Clock } from '../host/clock.ts';

/** How much of a core this thread may use. All that is done counts; what can wait, or be done without, asks. */
export interface CpuBudget {
  /** False: what is not necessary is not done. */
  allows(): boolean;
  /** Milliseconds that reading is to wait, since what is necessary is more than the budget by itself; 0: none. */
  waitMs(): number;
}

/** What is left over of so long may be used later; and so much may be missing before reading waits. */
const [creditMs, graceMs] = [1000, 1000];
/** What could not wait is not made up for any longer. */
const maxDebtMs = 10_000;
const measureEveryMs = 5;
const maxWaitMs = 1000;

/**
 * `share`: of a core, 0 has no limit. A message costs a multiple where its pattern is looked for: that is left out first, as much as
 * has to be; where that is not enough reading waits. `usedMs`: CPU that the thread has used.
 */
export function cpuBudget(share: number, clock: Clock, usedMs: () => number = threadMs): CpuBudget {
  if (share === 0) return { allows: () => true, waitMs: () => 0 };
  let [leftMs, atMs, lastUsedMs] = [creditMs * share, clock.monotonic(), usedMs()];
  const measure = (): number => {
    const nowMs = clock.monotonic();
    if (nowMs - atMs >= measureEveryMs) {
      const now = usedMs();
      leftMs = Math.min(creditMs * share, leftMs + (nowMs - atMs) * share - (now - lastUsedMs));
      leftMs = Math.max(leftMs, -maxDebtMs * share);
      [atMs, lastUsedMs] = [nowMs, now];
    }
    return leftMs;
  };
  return {
    allows: () => measure() >= 0,
    waitMs() {
      const missingMs = -measure() - graceMs * share;
      return missingMs <= 0 ? 0 : Math.min(maxWaitMs, Math.ceil(missingMs / share));
    },
  };
}

/** RUSAGE_THREAD of getrusage(2). */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
