import type { Attributes } from '@opentelemetry/api';
import { constants } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Position } from './followed.ts';
import { handed } from './handed.ts';
import { lives } from './lives.ts';
import type {
  Counted,
  FromWorker,
  JournalMessage,
  JournalPlace,
  LogSettings,
  Stream,
  ToWorker,
} from './messages.ts';
import { closeQuietly } from './opened.ts';

/** The agent's end of the thread that reads logs. */
export interface Desk {
  follow(stream: Stream, open: Open): void;
  leave(stream: string): void;
  take(messages: readonly JournalMessage[], place: JournalPlace): void;
  /** Where reading the journal goes on. */
  place(): Promise<JournalPlace>;
  /** What messages of the group are sent as. */
  describe(group: string, resource: Attributes): void;
  forget(group: string): void;
  /** Resolves when what has changed was told to `onCounted`, and after a while in any case. */
  count(): Promise<void>;
  /** What is there is read once, and counted. */
  close(): Promise<void>;
  /** Messages of the journal that were dropped, since the thread did not take them, or died before it told of them. */
  readonly dropped: number;
}

/** Opens the regular file of that name in a stream's directory for reading; answers the descriptor or the negative errno. */
export type Open = (name: string) => Promise<number>;

export interface DeskDeps {
  readonly settings: LogSettings;
  readonly onCounted: (counted: Counted) => void;
  readonly onProblem: (text: string) => void;
  readonly onExports: (works: boolean, reason: string) => void;
  /** The thread has died: nothing is read until it is started again, and it counts from 0 then. */
  readonly onDeath: (error: unknown) => void;
  readonly onRestart: () => void;
  /** What the thread runs. */
  readonly file?: string;
  /** After the first death. */
  readonly restartAfterMs?: number;
}

const { ENOENT, EIO } = constants.errno;
/** Young objects die young, and a message is short. What the thread has opened is closed with it. */
const options = {
  resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 384 },
  trackUnmanagedFds: true,
};
/** A thread that is busy tells the next time. */
const countWithinMs = 1500;
const closeWithinMs = 3000;
const endWithinMs = 500;
/** So soon is known from where a stream is read, should the thread die. */
const countNewAfterMs = 1000;
/** Batches of the journal, of 1 MiB at most, that may wait for the thread. */
const maxBatches = 64;

const noPlace: JournalPlace = { cursor: null, held: [] };

interface Followed {
  stream: Stream;
  open: Open;
  /** How often the thread has been told of it, and has not left it. */
  follows: number;
  isLeft: boolean;
  /** Its group, too, after it was left. */
  isForgotten: boolean;
  /** Up to here has been told; null: nothing has. Undefined until the thread has heard of it. */
  position?: Position | null | undefined;
}

/** The thread is started for the first stream, and again when it has died. */
export function desk({
  settings,
  onCounted,
  onProblem,
  onExports,
  onDeath,
  onRestart,
  ...deps
}: DeskDeps): Desk {
  const sinceMs = Date.now();
  const streams = new Map<string, Followed>();
  /** Those that have been read to their end since the thread has told last. */
  const ended = new Set<string>();
  const calls = new Map<number, () => void>();
  const stored = Promise.withResolvers<JournalPlace>();
  const descriptors = handed();
  /** Of groups: what their messages are sent as. */
  const resources = new Map<string, Attributes>();
  const life = lives(() => performance.now(), deps.restartAfterMs);
  /** For the next thread. */
  const waiting: Extract<ToWorker, { do: 'take' }>[] = [];
  /** Messages of the journal that the thread has got, and of those it has told of. */
  let [taken, told] = [0, 0];
  let [lastCall, batches, dropped] = [0, 0, 0];
  let worker: Worker | undefined;
  /** What the thread knows to be held of the journal. */
  let held: JournalPlace['held'] | undefined;
  let restart: NodeJS.Timeout | undefined;
  let soon: NodeJS.Timeout | undefined;
  let isClosed = false;

  /** Nobody answers any more. */
  const abandon = (): void => {
    worker = undefined;
    descriptors.clear();
    for (const answer of calls.values()) answer();
    calls.clear();
  };
  const die = (one: Worker, error: unknown): void => {
    if (worker !== one) return;
    abandon();
    dropped += taken - told;
    [taken, told, batches] = [0, 0, 0];
    onDeath(error);
    startLater();
  };
  const startLater = (): void => {
    if (isClosed) return;
    restart = setTimeout(() => {
      restart = undefined;
      if (start()) onRestart();
    }, life.end()).unref();
  };
  const follows = (id: string, from: Position | null): void => {
    const own = streams.get(id);
    if (own !== undefined && own.position === undefined) own.position = from;
  };
  const left = (id: string): void => {
    const own = streams.get(id);
    if (own === undefined || --own.follows > 0) return;
    ended.add(id);
    countSoon();
  };
  const hear = (message: FromWorker): void => {
    if (message.say === 'open') void opened(message);
    else if (message.say === 'reopened') descriptors.done(message.fd);
    else if (message.say === 'took') batches--;
    else if (message.say === 'follows') follows(message.stream, message.from);
    else if (message.say === 'left') left(message.stream);
    else if (message.say === 'ready') stored.resolve(message);
    else if (message.say === 'problem') onProblem(message.text);
    else if (message.say === 'exports') onExports(message.works, message.reason);
    else counted(message);
  };
  const counted = ({ call, counted, journal }: Extract<FromWorker, { say: 'counted' }>): void => {
    for (const [id, position] of counted.positions) {
      const own = streams.get(id);
      if (own !== undefined) own.position = position;
    }
    for (const id of ended) if (streams.get(id)?.follows === 0) streams.delete(id);
    ended.clear();
    onCounted(counted);
    told = journal;
    calls.get(call)?.();
    calls.delete(call);
  };
  const opened = async ({ call, stream, name }: Extract<FromWorker, { say: 'open' }>): Promise<void> => {
    const asking = worker;
    const known = streams.get(stream);
    const fd = known === undefined ? -ENOENT : await known.open(name).catch(() => -EIO);
    if (asking === worker && asking !== undefined) {
      if (fd >= 0) descriptors.add(fd);
      asking.postMessage({ do: 'opened', call, fd } satisfies ToWorker);
    } else if (fd >= 0) closeQuietly(fd);
  };
  /** Whether there is a thread: what cannot be had now is tried again. */
  const start = (): boolean => {
    life.begin();
    let one: Worker;
    try {
      one = new Worker(deps.file ?? workerFile(), { workerData: { settings, sinceMs }, ...options });
    } catch (error) {
      onDeath(error);
      startLater();
      return false;
    }
    worker = one;
    one.unref();
    one
      .on('message', (message: FromWorker) => worker === one && hear(message))
      .on('error', (error) => die(one, error))
      .on('exit', () => isClosed || die(one, new Error('the thread has ended')));
    for (const [group, resource] of resources) tell({ do: 'describe', group, resource });
    ended.clear();
    for (const [id, own] of streams)
      if (own.isForgotten) streams.delete(id);
      else followAgain(own);
    held = undefined;
    for (const message of waiting.splice(0)) take(message);
    if (streams.size > 0) countSoon();
    return true;
  };
  /** Where the thread before has not told of it, as if it were new. */
  const followAgain = (own: Followed): void => {
    own.follows = 1;
    tell({ do: 'follow', stream: { ...own.stream, readTo: own.position, isSkipped: life.isDoomed } });
    if (own.isLeft) tell({ do: 'leave', stream: own.stream.id });
  };
  const tell = (message: ToWorker): void => worker?.postMessage(message);
  const take = (message: Extract<ToWorker, { do: 'take' }>): void => {
    batches++;
    taken += message.messages.length;
    const before = held;
    held = message.held;
    const isSame = before?.length === held?.length && before?.every((entry, i) => entry === held?.[i]);
    tell(isSame === true ? { ...message, held: undefined } : message);
  };
  const begin = (): void => {
    if (worker === undefined && restart === undefined && !isClosed) start();
  };
  const countSoon = (): void => {
    soon ??= setTimeout(() => {
      soon = undefined;
      void ask('count', countWithinMs);
    }, countNewAfterMs).unref();
  };
  const ask = async (what: 'count' | 'close', withinMs: number): Promise<void> => {
    if (worker === undefined) return;
    const call = ++lastCall;
    const answered = new Promise<void>((answer) => calls.set(call, answer));
    tell({ do: what, call });
    await Promise.race([answered, sleep(withinMs, undefined, { ref: what === 'close' })]);
    calls.delete(call);
  };

  return {
    follow(stream, open) {
      if (isClosed) return;
      begin();
      const own = streams.get(stream.id);
      const now = { stream, open, isLeft: false, isForgotten: false };
      if (own === undefined) streams.set(stream.id, { ...now, follows: 1 });
      else Object.assign(own, { ...now, follows: own.follows + 1 });
      tell({ do: 'follow', stream });
      countSoon();
    },
    leave(stream) {
      const own = streams.get(stream);
      if (own !== undefined) own.isLeft = true;
      tell({ do: 'leave', stream });
    },
    take(messages, { cursor, held }) {
      if (isClosed || batches + waiting.length >= maxBatches) {
        dropped += messages.length;
        return;
      }
      begin();
      const isKept = settings.stateDirectory !== undefined;
      const message = { do: 'take', messages, cursor, held: isKept ? held : [] } as const;
      if (worker === undefined) waiting.push(message);
      else take(message);
    },
    place() {
      if (settings.stateDirectory === undefined || isClosed) return Promise.resolve(noPlace);
      begin();
      return stored.promise;
    },
    describe(group, resource) {
      if (settings.exportTo === undefined) return;
      resources.set(group, resource);
      tell({ do: 'describe', group, resource });
    },
    forget(group) {
      resources.delete(group);
      for (const own of streams.values())
        if (own.isLeft && own.stream.group === group) own.isForgotten = true;
      tell({ do: 'forget', group });
    },
    count: () => ask('count', countWithinMs),
    async close() {
      isClosed = true;
      clearTimeout(restart);
      clearTimeout(soon);
      await ask('close', closeWithinMs);
      const last = worker;
      abandon();
      streams.clear();
      stored.resolve(noPlace);
      // A thread that hangs in a system call does not end.
      await Promise.race([last?.terminate(), sleep(endWithinMs, undefined, { ref: false })]);
    },
    get dropped() {
      return dropped;
    },
  };
}

/** Beside the bundle when that is what runs. */
function workerFile(): string {
  const here = import.meta.dirname;
  return join(here, basename(here) === 'dist' ? 'logs.js' : 'worker.ts');
}
