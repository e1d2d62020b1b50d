import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a task may keep the event loop before others have their turn. */
const longestMs = 5;

/** For long loops: call it in every round, and wait for what it answers, if anything. */
export function turns(): () => Promise<void> | undefined {
  let sinceMs = performance.now();
  return () => {
    if (performance.now() - sinceMs < longestMs) return undefined;
    return nextTurn().then(() => {
      sinceMs = performance.now();
    });
  };
}
