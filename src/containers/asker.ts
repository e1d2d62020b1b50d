import type { Clock } from '../host/clock.ts';
import { AgentError, codeOf } from '../errors.ts';
import { containerIdOf } from './names.ts';
import type { Inspect, Inspection, RuntimeName } from './runtimes/inspection.ts';

/** What a cgroup path tells of a container that only its runtime can name. */
export interface Unnamed {
  /** Asked in this order. */
  readonly runtimes: readonly RuntimeName[];
  readonly runtimeId: string;
  readonly inPod: boolean;
}

export interface Named {
  /** `container_id`, or `ignored` for what is no container of its own. */
  readonly id: string;
  readonly image: string;
}

export interface AskerDeps {
  readonly runtimes: Readonly<Record<RuntimeName, Inspect>>;
  readonly clock: Pick<Clock, 'now'>;
  /** A runtime that is there does not answer as it should (a code), or does again (undefined): once for each change. */
  readonly onState: (runtime: RuntimeName, failure: unknown) => void;
  readonly restMs?: number;
}

/** Who asks. */
export interface Asking {
  /** Whether an answer is still of use. */
  wanted(): boolean;
  onNamed(named: Named): void;
  /** None of the runtimes is on this machine. They are asked again all the same. */
  onNobody(): void;
}

export interface Asker {
  /** Asks again and again, less and less often, until there is an answer or nobody wants one. */
  ask(unnamed: Unnamed, asking: Asking): void;
  /** Resolves when everybody who was asked for has been asked for once. */
  askedOnce(): Promise<void>;
  /** Stops asking. */
  close(): void;
}

const deadlineMs = 2000;
/** A runtime that is not there, or does not answer, is left in peace for so long; then one question tries it. */
const defaultRestMs = 5000;
const askedAtOnce = 8;
/** Between one attempt and the next; the last one is repeated. */
const pausesMs = [100, 300, 1000, 3000, 10_000, 30_000, 60_000];
/** References of images are far shorter. */
const maxImageLength = 512;
interface Question {
  readonly unnamed: Unnamed;
  readonly asking: Asking;
  attempts: number;
}

/** Asks runtimes for names: a few questions at a time, each with a deadline, so that a runtime that hangs costs only time. */
export function asker({ runtimes, clock, onState, restMs = defaultRestMs }: AskerDeps): Asker {
  const waiting: Question[] = [];
  const paused = new Map<Question, NodeJS.Timeout>();
  const probes = new Map<RuntimeName, NodeJS.Timeout>();
  const failing = new Set<RuntimeName>();
  const resting = new Map<RuntimeName, { untilMs: number; answer: 'absent' | undefined }>();
  let asked = 0;
  /** Questions that have not been put once. */
  let fresh = 0;
  const nobodyFresh: (() => void)[] = [];
  let closed = false;

  /** `absent`: there is no such runtime. */
  const inspect = async (runtime: RuntimeName, id: string): Promise<Inspection | undefined | 'absent'> => {
    const rest = resting.get(runtime);
    if (rest !== undefined && performance.now() < rest.untilMs) return rest.answer;
    const signal = AbortSignal.timeout(deadlineMs);
    try {
      const found = await withDeadline(runtimes[runtime](id, signal), signal);
      if (failing.delete(runtime)) onState(runtime, undefined);
      if (resting.delete(runtime)) for (const question of [...paused.keys()]) resume(question);
      return found;
    } catch (error) {
      const code = codeOf(error);
      const result = code === 'ENOENT' ? 'absent' : undefined;
      resting.set(runtime, { untilMs: performance.now() + restMs, answer: result });
      probeLater(runtime);
      // Nobody listens on its socket: it is being restarted.
      if (result === undefined && code !== 'ECONNREFUSED' && !failing.has(runtime)) {
        failing.add(runtime);
        onState(runtime, error);
      }
      return result;
    }
  };

  /** While somebody waits for a runtime that rests, one tries whether it is there again. */
  const probeLater = (runtime: RuntimeName): void => {
    if (closed || probes.has(runtime)) return;
    const tryAgain = (): void => {
      probes.delete(runtime);
      const question = [...paused.keys()].find(({ unnamed }) => unnamed.runtimes.includes(runtime));
      if (question !== undefined) resume(question);
    };
    probes.set(runtime, setTimeout(tryAgain, restMs).unref());
  };

  const resume = (question: Question): void => {
    clearTimeout(paused.get(question));
    paused.delete(question);
    waiting.push(question);
    next();
  };

  const answer = async ({ unnamed, asking }: Question): Promise<Named | undefined> => {
    let anybody = false;
    for (const runtime of unnamed.runtimes) {
      const inspection = await inspect(runtime, unnamed.runtimeId);
      if (inspection !== 'absent') anybody = true;
      if (inspection === undefined || inspection === 'absent') continue;
      const id = containerIdOf({ runtime, inspection, inPod: unnamed.inPod }, clock.now());
      const { image } = inspection;
      if (id !== undefined) return { id, image: image.length > maxImageLength ? '' : image };
    }
    if (!anybody) asking.onNobody();
    return undefined;
  };

  const again = (question: Question): void => {
    const pauseMs = pausesMs[Math.min(question.attempts++, pausesMs.length - 1)]!;
    const rests = question.unnamed.runtimes.map((runtime) => resting.get(runtime)?.untilMs ?? 0);
    const restsMs = Math.min(...rests) - performance.now();
    paused.set(question, setTimeout(() => resume(question), Math.max(pauseMs, restsMs)).unref());
  };

  const put = async (question: Question): Promise<void> => {
    const { asking } = question;
    if (!asking.wanted()) return;
    const named = await answer(question);
    if (closed || !asking.wanted()) return;
    if (named === undefined) again(question);
    else asking.onNamed(named);
  };

  const next = (): void => {
    while (!closed && asked < askedAtOnce && waiting.length > 0) {
      const question = waiting.shift()!;
      const isFirst = question.attempts === 0;
      asked++;
      void put(question).finally(() => {
        asked--;
        if (isFirst && --fresh === 0) nobodyFresh.splice(0).forEach((resolve) => resolve());
        next();
      });
    }
  };

  return {
    ask(unnamed, asking) {
      fresh++;
      waiting.push({ unnamed, asking, attempts: 0 });
      next();
    },
    askedOnce: () => (fresh === 0 ? Promise.resolve() : new Promise((resolve) => nobodyFresh.push(resolve))),
    close() {
      closed = true;
      waiting.length = 0;
      paused.forEach((pause) => clearTimeout(pause));
      probes.forEach((probe) => clearTimeout(probe));
      paused.clear();
    },
  };
}

/** A runtime that does not heed the signal costs no more than one that does. */
function withDeadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new AgentError('ETIMEDOUT', 'no answer in time'));
    signal.addEventListener('abort', late, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', late));
  });
}
