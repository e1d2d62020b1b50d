import type { Clock } from '../host/clock.ts';
import type { LogFile, PublishedPort } from '../model/containers.ts';
import { AgentError, codeOf } from '../errors.ts';
import { containerIdOf } from './names.ts';
import type { Place } from './places.ts';
import { runtimeRests, type Resting } from './rests.ts';
import type { Inspect, Inspection, RuntimeName } from './runtimes/inspection.ts';
import { turnQueue } from './turn-queue.ts';

/** What a cgroup path tells of a container that only its runtime can name. */
export interface Unnamed {
  /** Asked in this order. */
  readonly runtimes: readonly RuntimeName[];
  readonly runtimeId: string;
  readonly place: Place;
}

export interface Named {
  /** `container_id`, or `ignored` for what is no container of its own. */
  readonly id: string;
  readonly image: string;
  readonly published?: readonly PublishedPort[];
  readonly logFile?: LogFile;
}

export interface AskerDeps {
  readonly runtimes: Readonly<Record<RuntimeName, Inspect>>;
  readonly clock: Pick<Clock, 'now'>;
  /**
   * A runtime that is there does not answer as it should (a code), or does again (undefined): once for each change. It may be one `ofUser`,
   * who can let it fail as often as he likes.
   */
  readonly onState: (runtime: string, failure: unknown, ofUser?: boolean) => void;
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
  const paused = new Map<Question, NodeJS.Timeout>();
  const failing = new Set<string>();
  /** One of those who wait tries whether the runtime is there again. */
  const rests = runtimeRests(restMs, (runtime) => {
    const question = [...paused.keys()].find(({ unnamed }) => namesOf(unnamed).includes(runtime));
    if (question !== undefined) resume(question);
  });
  /** Questions that have not been put once. */
  let fresh = 0;
  const nobodyFresh: (() => void)[] = [];
  let closed = false;

  const inspect = async (
    { runtimeId, place }: Unnamed,
    name: RuntimeName,
  ): Promise<Inspection | undefined | Resting> => {
    const runtime = nameOf(name, place);
    const rest = rests.of(runtime);
    if (rest !== undefined) return rest;
    const signal = AbortSignal.timeout(deadlineMs);
    try {
      const user = place.kind === 'user' ? place.uid : undefined;
      const found = await withDeadline(runtimes[name](runtimeId, signal, user), signal);
      if (failing.delete(runtime)) onState(runtime, undefined, isUsers(place));
      if (rests.end(runtime)) for (const question of [...paused.keys()]) resume(question);
      return found;
    } catch (error) {
      const why = codeOf(error) === 'ENOENT' ? 'absent' : 'silent';
      if (!closed) rests.begin(runtime, why);
      // Nobody listens on its socket: it is being restarted.
      if (why === 'silent' && codeOf(error) !== 'ECONNREFUSED' && !failing.has(runtime)) {
        failing.add(runtime);
        onState(runtime, error, isUsers(place));
      }
      return why;
    }
  };

  const resume = (question: Question): void => {
    clearTimeout(paused.get(question));
    paused.delete(question);
    waiting.add(question, isUsers(question.unnamed.place));
  };

  const answer = async ({ unnamed, asking }: Question): Promise<Named | undefined> => {
    let anybody = false;
    for (const runtime of unnamed.runtimes) {
      const inspection = await inspect(unnamed, runtime);
      if (inspection !== 'absent') anybody = true;
      if (inspection === undefined || typeof inspection === 'string') continue;
      const id = containerIdOf({ runtime, inspection, place: unnamed.place }, clock.now());
      if (id === undefined) continue;
      const { image, published, logFile } = inspection;
      return {
        id,
        image: image.length > maxImageLength ? '' : image,
        ...(published && { published }),
        ...(logFile && { logFile }),
      };
    }
    if (!anybody) asking.onNobody();
    return undefined;
  };

  const again = (question: Question): void => {
    const pauseMs = pausesMs[Math.min(question.attempts++, pausesMs.length - 1)]!;
    const waitMs = Math.max(pauseMs, rests.leftMs(namesOf(question.unnamed)));
    paused.set(question, setTimeout(() => resume(question), waitMs).unref());
  };

  const put = async (question: Question): Promise<void> => {
    const { asking } = question;
    if (!asking.wanted()) return;
    const named = await answer(question);
    if (closed || !asking.wanted()) return;
    if (named === undefined) again(question);
    else asking.onNamed(named);
  };

  const waiting = turnQueue(async (question: Question) => {
    const isFirst = question.attempts === 0;
    await put(question);
    if (isFirst && --fresh === 0) nobodyFresh.splice(0).forEach((resolve) => resolve());
  });

  return {
    ask(unnamed, asking) {
      fresh++;
      waiting.add({ unnamed, asking, attempts: 0 }, isUsers(unnamed.place));
    },
    askedOnce: () => (fresh === 0 ? Promise.resolve() : new Promise((resolve) => nobodyFresh.push(resolve))),
    close() {
      closed = true;
      waiting.close();
      paused.forEach((pause) => clearTimeout(pause));
      rests.close();
      paused.clear();
    },
  };
}

function isUsers({ kind }: Place): boolean {
  return kind === 'user';
}

/** A user's runtime rests by itself: root's must not wait for it. */
function nameOf(runtime: RuntimeName, place: Place): string {
  return place.kind === 'user' ? `${runtime} of user ${place.uid}` : runtime;
}

function namesOf({ runtimes, place }: Unnamed): string[] {
  return runtimes.map((runtime) => nameOf(runtime, place));
}

/** A runtime that does not heed the signal costs no more than one that does. */
function withDeadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new AgentError('ETIMEDOUT', 'no answer in time'));
    signal.addEventListener('abort', late, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', late));
  });
}
