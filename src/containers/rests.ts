/** What is answered for a runtime that rests: it is not there, or it does not say. */
export type Resting = 'absent' | 'silent';

/**
 * Runtimes that are not there or do not answer are left in peace for a while: asking them for every container would cost
 * all others their turn.
 */
export interface Rests {
  /** Undefined for a runtime that may be asked. */
  of(runtime: string): Resting | undefined;
  begin(runtime: string, why: Resting): void;
  /** It answers; whether it had rested. */
  end(runtime: string): boolean;
  /** How long until the first of these may be asked, in milliseconds; 0 or less: now. */
  leftMs(runtimes: readonly string[]): number;
  close(): void;
}

/** `onOver` is called when a rest is over: somebody should try the runtime. */
export function runtimeRests(restMs: number, onOver: (runtime: string) => void = () => {}): Rests {
  const resting = new Map<string, { readonly untilMs: number; readonly why: Resting }>();
  const ends = new Map<string, NodeJS.Timeout>();
  return {
    of(runtime) {
      const rest = resting.get(runtime);
      return rest !== undefined && performance.now() < rest.untilMs ? rest.why : undefined;
    },
    begin(runtime, why) {
      resting.set(runtime, { untilMs: performance.now() + restMs, why });
      clearTimeout(ends.get(runtime));
      const over = (): void => {
        // Timers may be early by a part of a millisecond.
        resting.set(runtime, { untilMs: 0, why });
        onOver(runtime);
      };
      ends.set(runtime, setTimeout(over, restMs).unref());
    },
    end: (runtime) => resting.delete(runtime),
    leftMs: (runtimes) =>
      Math.min(...runtimes.map((runtime) => resting.get(runtime)?.untilMs ?? 0)) - performance.now(),
    close: () => ends.forEach((end) => clearTimeout(end)),
  };
}
