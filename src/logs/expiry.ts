import type { Clock } from '../host/clock.ts';

const everyMs = 250;

/** What waits for more, and cannot for ever. */
export interface Waiting {
  /** Answers whether it still waits. */
  expire(nowMs: number): boolean;
}

/** Looks at what waits as long as anything does: nothing runs while all is idle. */
export function expiry(clock: Clock): { wait(one: Waiting): void; close(): void } {
  const waiting = new Set<Waiting>();
  let timer: NodeJS.Timeout | undefined;
  const close = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  const expire = (): void => {
    const nowMs = clock.monotonic();
    for (const one of waiting) if (!one.expire(nowMs)) waiting.delete(one);
    if (waiting.size === 0) close();
  };
  return {
    wait(one) {
      waiting.add(one);
      timer ??= setInterval(expire, everyMs).unref();
    },
    close,
  };
}
