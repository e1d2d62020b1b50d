import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../../errors.ts';
import { runtimeRests } from '../rests.ts';
import { noFacts, type UnitFacts } from './facts.ts';

export interface UnitAskerDeps {
  /** See manager.ts. */
  readonly askSystemd: (units: readonly string[], signal: AbortSignal) => Promise<readonly UnitFacts[]>;
  /** See files.ts. */
  readonly lookUp: (unit: string) => Promise<UnitFacts>;
  /** systemd is there and does not answer as it should (the reason), or does again (undefined): once for each change. */
  readonly onState: (name: 'systemd', failure: unknown) => void;
  readonly restMs?: number;
}

export interface UnitAsker {
  /** What is known of a unit; nothing after two seconds. Never rejects. */
  ask(unit: string): Promise<UnitFacts>;
  /** Resolves when nobody waits. */
  idle(): Promise<void>;
  close(): void;
}

const deadlineMs = 1000;
/** For how long somebody waits, in all. */
const patienceMs = 2000;
const defaultRestMs = 5000;
/** There is no systemd, or it is not for us to ask: the files say the same. */
const nobody = new Set(['ENOENT', 'ECONNREFUSED', 'EACCES', 'EPERM']);
/** Asked in one go. */
const atOnce = 64;

interface Question {
  readonly unit: string;
  readonly resolve: (facts: UnitFacts) => void;
}

/** Asks systemd for units, many at a time, one conversation after the other; where it does not answer, their files tell. */
export function unitAsker({ askSystemd, lookUp, onState, restMs = defaultRestMs }: UnitAskerDeps): UnitAsker {
  const waiting: Question[] = [];
  const rests = runtimeRests(restMs);
  let running: Promise<void> | undefined;
  let isFailing = false;
  let closed = false;

  const setFailing = (failure: unknown): void => {
    if (isFailing === (failure !== undefined) || closed) return;
    isFailing = !isFailing;
    onState('systemd', failure);
  };

  const answer = async (units: readonly string[]): Promise<readonly UnitFacts[]> => {
    if (rests.of('systemd') === undefined) {
      try {
        const facts = await askSystemd(units, AbortSignal.timeout(deadlineMs));
        setFailing(undefined);
        return facts;
      } catch (error) {
        if (closed) return [];
        const isAbsent = nobody.has(codeOf(error));
        rests.begin('systemd', isAbsent ? 'absent' : 'silent');
        if (!isAbsent) setFailing(error);
      }
    }
    return Promise.all(units.map(lookUp));
  };

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const some = waiting.splice(0, atOnce);
      const facts = await answer(some.map(({ unit }) => unit));
      some.forEach(({ resolve }, i) => resolve(facts[i] ?? noFacts));
    }
    running = undefined;
  };

  return {
    ask(unit) {
      const asked = new Promise<UnitFacts>((resolve) => waiting.push({ unit, resolve }));
      running ??= run();
      return Promise.race([asked, sleep(patienceMs, noFacts, { ref: false })]);
    },
    idle: async () => running,
    close() {
      closed = true;
      waiting.length = 0;
      rests.close();
    },
  };
}
