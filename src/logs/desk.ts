import type { Attributes } from '@opentelemetry/api';
import { constants } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Counted, FromWorker, JournalMessage, LogSettings, Stream, ToWorker } from './messages.ts';

/** The agent's end of the thread that reads logs. */
export interface Desk {
  follow(stream: Stream, open: Open): void;
  leave(stream: string): void;
  /** `cursor`: behind them in the journal. */
  take(messages: readonly JournalMessage[], cursor: string | null): void;
  /** Where reading the journal goes on; null where nothing is known. */
  cursor(): Promise<string | null>;
  /** What messages of the group are sent as. */
  describe(group: string, resource: Attributes): void;
  forget(group: string): void;
  /** Resolves when what has changed was told to `onCounted`, and after a while in any case. */
  count(): Promise<void>;
  /** What is there is read once, and counted. */
  close(): Promise<void>;
  /** Messages of the journal that were dropped, since the thread did not take them. */
  readonly dropped: number;
}

/** Opens the regular file of that name in a stream's directory for reading; answers the descriptor or the negative errno. */
export type Open = (name: string) => Promise<number>;

export interface DeskDeps {
  readonly settings: LogSettings;
  readonly onCounted: (counted: Counted) => void;
  readonly onProblem: (text: string) => void;
  readonly onExports: (works: boolean, reason: string) => void;
  /** The thread has died: nothing is read any more. */
  readonly onEnd: (error: unknown) => void;
}

const { ENOENT, EIO } = constants.errno;
/** Young objects die young, and a message is short. Descriptors are opened here and closed there. */
const options = {
  resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 384 },
  trackUnmanagedFds: false,
};
/** A thread that is busy tells the next time. */
const countWithinMs = 1500;
const closeWithinMs = 3000;
/** Batches of the journal, of 1 MiB at most, that may wait for the thread. */
const maxBatches = 64;

/** The thread is started for the first stream. */
export function desk({ settings, onCounted, onProblem, onExports, onEnd }: DeskDeps): Desk {
  const sinceMs = Date.now();
  const streams = new Map<string, { readonly open: Open; follows: number }>();
  const calls = new Map<number, () => void>();
  const stored = Promise.withResolvers<string | null>();
  let [lastCall, batches, dropped] = [0, 0, 0];
  let worker: Worker | undefined;
  let hasEnded = false;

  const end = (error?: unknown): void => {
    if (hasEnded) return;
    hasEnded = true;
    for (const answer of calls.values()) answer();
    calls.clear();
    streams.clear();
    stored.resolve(null);
    if (error !== undefined) onEnd(error);
  };
  const left = (id: string): void => {
    const stream = streams.get(id);
    if (stream !== undefined && --stream.follows === 0) streams.delete(id);
  };
  const hear = (message: FromWorker): void => {
    if (message.say === 'open') void opened(message);
    else if (message.say === 'took') batches--;
    else if (message.say === 'left') left(message.stream);
    else if (message.say === 'ready') stored.resolve(message.cursor);
    else if (message.say === 'problem') onProblem(message.text);
    else if (message.say === 'exports') onExports(message.works, message.reason);
    else {
      onCounted(message.counted);
      calls.get(message.call)?.();
      calls.delete(message.call);
    }
  };
  const opened = async ({ call, stream, name }: Extract<FromWorker, { say: 'open' }>): Promise<void> => {
    const known = streams.get(stream);
    const fd = known === undefined ? -ENOENT : await known.open(name).catch(() => -EIO);
    tell({ do: 'opened', call, fd });
  };
  const start = (): Worker => {
    const started = new Worker(workerFile(), { workerData: { settings, sinceMs }, ...options });
    started.unref();
    started
      .on('message', hear)
      .on('error', end)
      .on('exit', () => end(new Error('the thread has ended')));
    return started;
  };
  const tell = (message: ToWorker): void => {
    if (!hasEnded) (worker ??= start()).postMessage(message);
  };
  const ask = async (what: 'count' | 'close', withinMs: number): Promise<void> => {
    if (worker === undefined || hasEnded) return;
    const call = ++lastCall;
    const answered = new Promise<void>((resolve) => calls.set(call, resolve));
    tell({ do: what, call });
    await Promise.race([answered, sleep(withinMs, undefined, { ref: what === 'close' })]);
    calls.delete(call);
  };

  return {
    follow(stream, open) {
      if (hasEnded) return;
      streams.set(stream.id, { open, follows: (streams.get(stream.id)?.follows ?? 0) + 1 });
      tell({ do: 'follow', stream });
    },
    leave(stream) {
      tell({ do: 'leave', stream });
    },
    take(messages, cursor) {
      if (hasEnded || batches >= maxBatches) {
        dropped += messages.length;
        return;
      }
      batches++;
      tell({ do: 'take', messages, cursor });
    },
    cursor() {
      if (settings.stateDirectory === undefined || hasEnded) return Promise.resolve(null);
      worker ??= start();
      return stored.promise;
    },
    describe(group, resource) {
      if (settings.exportTo !== undefined) tell({ do: 'describe', group, resource });
    },
    forget(group) {
      if (worker !== undefined) tell({ do: 'forget', group });
    },
    count: () => ask('count', countWithinMs),
    async close() {
      await ask('close', closeWithinMs);
      end();
      // A thread that hangs in a system call does not end.
      await Promise.race([worker?.terminate(), sleep(closeWithinMs, undefined, { ref: false })]);
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
