import type { Position } from './followed.ts';
import type { Identity } from './source.ts';

/** More are not kept: who commits nothing reads again from the oldest that is. */
const maxRuns = 64;

/** Logical positions from `start` on lie in this file. */
interface Run {
  readonly start: number;
  readonly identity: Identity;
  /** Where `start` lies. */
  readonly offset: number;
  /** True: all of the run lies there. */
  readonly isFixed: boolean;
}

/** Finds the place in a file for a logical position of the stream. */
export interface Runs {
  begin(start: number, identity: Identity, offset: number, isFixed: boolean): void;
  /** Forgets what lies before. Undefined before the first run. */
  position(logical: number): Position | undefined;
}

export function runs(): Runs {
  const known: Run[] = [];
  return {
    begin(start, identity, offset, isFixed) {
      known.push({ start, identity, offset, isFixed });
      if (known.length > maxRuns) known.shift();
    },
    position(logical) {
      // A run that begins just there has not been read: the end of the one before tells more.
      const next = known.findIndex(({ start }, i) => i > 0 && start >= logical);
      known.splice(0, (next === -1 ? known.length : next) - 1);
      const run = known[0];
      if (run === undefined) return undefined;
      const { device, inode, fingerprint } = run.identity;
      const offset = run.offset + (run.isFixed ? 0 : Math.max(0, logical - run.start));
      return { device, inode, offset, fingerprint };
    },
  };
}
