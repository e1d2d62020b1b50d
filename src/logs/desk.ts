import { constants } from 'node:os';
import { basename, join } from 'node:path';
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
  forget(group: string): void;
  /** What has changed since the last time; undefined while there is nothing to read, and once the thread has ended. */
  count(): Promise<Counted | undefined>;
  /** What is there is read once, and counted. */
  close(): Promise<Counted | undefined>;
}

/** Opens the regular file of that name in a stream's directory for reading; answers the descriptor or the negative errno. */
export type Open = (name: string) => Promise<number>;

export interface DeskDeps {
  readonly settings: LogSettings;
  readonly onProblem: (text: string) => void;
  /** The thread has died: nothing is read any more. */
  readonly onEnd: (error: unknown) => void;
}

const { ENOENT, EIO } = constants.errno;
/** Young objects die young, and a message is short. */
const resourceLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 384 };
const closeWithinMs = 3000;

/** The thread is started for the first stream. */
export function desk({ settings, onProblem, onEnd }: DeskDeps): Desk {
  const sinceMs = Date.now();
  const streams = new Map<string, { readonly open: Open; follows: number }>();
  const calls = new Map<number, (counted: Counted | undefined) => void>();
  const stored = Promise.withResolvers<string | null>();
  let lastCall = 0;
  let worker: Worker | undefined;
  let hasEnded = false;

  const end = (error?: unknown): void => {
    if (hasEnded) return;
    hasEnded = true;
    for (const answer of calls.values()) answer(undefined);
    calls.clear();
    stored.resolve(null);
    if (error !== undefined) onEnd(error);
  };
  const left = (id: string): void => {
    const stream = streams.get(id);
    if (stream !== undefined && --stream.follows === 0) streams.delete(id);
  };
  const hear = (message: FromWorker): void => {
    if (message.say === 'ready') stored.resolve(message.cursor);
    else if (message.say === 'left') left(message.stream);
    else if (message.say === 'problem') onProblem(message.text);
    else if (message.say === 'counted') {
      calls.get(message.call)?.(message.counted);
      calls.delete(message.call);
    } else void opened(message);
  };
  const opened = async ({ call, stream, name }: Extract<FromWorker, { say: 'open' }>): Promise<void> => {
    const known = streams.get(stream);
    const fd = known === undefined ? -ENOENT : await known.open(name).catch(() => -EIO);
    tell({ do: 'opened', call, fd });
  };
  const start = (): Worker => {
    const started = new Worker(workerFile(), { workerData: { settings, sinceMs }, resourceLimits });
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
  const ask = (what: 'count' | 'close'): Promise<Counted | undefined> =>
    new Promise((resolve) => {
      if (worker === undefined || hasEnded) return resolve(undefined);
      const call = ++lastCall;
      calls.set(call, resolve);
      tell({ do: what, call });
    });

  return {
    follow(stream, open) {
      streams.set(stream.id, { open, follows: (streams.get(stream.id)?.follows ?? 0) + 1 });
      tell({ do: 'follow', stream });
    },
    leave(stream) {
      tell({ do: 'leave', stream });
    },
    take: (messages, cursor) => tell({ do: 'take', messages, cursor }),
    cursor() {
      if (settings.stateDirectory === undefined || hasEnded) return Promise.resolve(null);
      worker ??= start();
      return stored.promise;
    },
    forget(group) {
      if (worker !== undefined) tell({ do: 'forget', group });
    },
    count: () => ask('count'),
    async close() {
      const late = setTimeout(() => end(), closeWithinMs);
      const counted = await ask('close');
      clearTimeout(late);
      end();
      await worker?.terminate();
      return counted;
    },
  };
}

/** Beside the bundle when that is what runs. */
function workerFile(): string {
  const here = import.meta.dirname;
  return join(here, basename(here) === 'dist' ? 'logs.js' : 'worker.ts');
}
