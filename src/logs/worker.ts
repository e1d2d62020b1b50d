/** The thread in which logs are read and counted; what it says and is told is in messages.ts. */
import { constants, openSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { AgentError, messageOf } from '../errors.ts';
import { systemClock as clock } from '../host/clock.ts';
import { cpuBudget } from './cpu-budget.ts';
import { expiry } from './expiry.ts';
import { exporting } from './export.ts';
import { files } from './files.ts';
import { isSamePosition, type Position } from './followed.ts';
import { groups } from './groups.ts';
import { journalFeed } from './journal-feed.ts';
import type { Counted, FromWorker, LogSettings, Stream, ToWorker } from './messages.ts';
import { openPositions, type Positions } from './positions.ts';

const agent = parentPort!;
const { settings, sinceMs } = workerData as { settings: LogSettings; sinceMs: number };
const say = (message: FromWorker): void => agent.postMessage(message);

const opening = new Map<number, (fd: number) => void>();
let lastCall = 0;
/** By the agent, which can open files where containers see them. */
const open = (stream: Stream, name: string): Promise<number> =>
  new Promise<number>((resolve, reject) => {
    const call = ++lastCall;
    opening.set(call, (fd) => {
      opening.delete(call);
      if (fd >= 0) resolve(fd);
      else {
        const [code, path] = [getSystemErrorName(fd), `${stream.directory}/${name}`];
        reject(new AgentError(code, `${path}: ${code}`, { syscall: 'open', path }));
      }
    });
    say({ say: 'open', call, stream: stream.id, name });
  }).then(reopened);

const budget = cpuBudget(settings.cpuBudget, clock);
/** A descriptor of this thread's own, which is closed with it, in place of the agent's. */
function reopened(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NOCTTY);
  } finally {
    say({ say: 'reopened', fd });
  }
}

const problem = (text: string): void => say({ say: 'problem', text });
/** Messages are sent from here: on their way to another thread each would be copied, and wait for it. */
const out =
  settings.exportTo &&
  (await exporting(settings.exportTo, clock, {
    onState: (works, reason) => say({ say: 'exports', works, reason }),
    onWarning: problem,
  }));
const all = groups(settings, clock, { emitterOf: out?.emitterOf, hasTime: () => budget.allows() });
const waiting = expiry(clock);
const positions = await openedPositions();
const stored = (id: string): Position | undefined => positions?.get(id);
const own = files({ waiting, clock, open, sinceMs, stored, waitMs: () => budget.waitMs() });
positions?.keep(() => own.positions());
const journal = journalFeed(all, waiting, clock);
say({ say: 'ready', cursor: positions?.cursor ?? null, held: positions?.held ?? [] });

/** Without them logs are read all the same. */
async function openedPositions(): Promise<Positions | undefined> {
  if (settings.stateDirectory === undefined) return undefined;
  const onLine = (fields: object, text: string): void => problem(`${text}: ${JSON.stringify(fields)}`);
  return openPositions(settings.stateDirectory, { log: { info: onLine, warn: onLine } }).catch(
    (error: unknown) => void problem(`positions are not kept: ${messageOf(error)}`),
  );
}

function counted(): Counted {
  const [docker, cri, file] = [own.figures('docker'), own.figures('cri'), own.figures('file')];
  const none = { lagBytes: 0, streams: 0, rotations: 0, destroyedBytes: 0 };
  return {
    ...all.take(),
    figures: { docker, cri, file, journald: { ...none, ...journal.figures } },
    refused: {
      undecodable: docker.undecodable + cri.undecodable + file.undecodable,
      stream: docker.refused + cri.refused + file.refused,
      failed: docker.failed + cri.failed + file.failed,
      cut: docker.cut + cri.cut + file.cut + journal.cut,
      pattern: all.refused,
    },
    records: out?.figures,
    positions: movedPositions(),
  };
}

let toldPositions = new Map<string, Position>();
function movedPositions(): [string, Position][] {
  const now = new Map(own.positions());
  const moved = [...now].filter(([id, position]) => {
    const before = toldPositions.get(id);
    return before === undefined || !isSamePosition(before, position);
  });
  toldPositions = now;
  return moved;
}

function take({ messages, cursor, held }: Extract<ToWorker, { do: 'take' }>): void {
  journal.take(messages);
  if (positions !== undefined) {
    positions.cursor = cursor ?? positions.cursor;
    if (held !== undefined) positions.held = held;
  }
  say({ say: 'took' });
}

/** What happens to a stream happens in turn: it is read to its end before the same is followed again, or its group forgotten. */
const turns = new Map<string, Promise<void>>();
const inTurn = (id: string, act: () => void | Promise<void>): void => {
  const turn = (turns.get(id) ?? Promise.resolve())
    .then(act)
    .catch((error: unknown) => problem(messageOf(error)))
    .then(() => {
      if (turns.get(id) === turn) turns.delete(id);
    });
  turns.set(id, turn);
};
const leave = async (id: string): Promise<void> => {
  await own.leave(id);
  say({ say: 'left', stream: id });
};
/** Whoever has the name from now on is another one; what is being read to its end is counted still. */
const forget = async (group: string): Promise<void> => {
  journal.forget(group);
  out?.forget(group);
  const close = all.forget(group);
  await Promise.all(turns.values());
  close();
};
const tell = (call: number): void =>
  say({ say: 'counted', call, counted: counted(), journal: journal.figures.lines - journal.open });

agent.on('message', (message: ToWorker) => {
  if (message.do === 'follow') {
    const { stream } = message;
    const group = all.of(stream.group);
    if (positions !== undefined)
      say({ say: 'follows', stream: stream.id, from: positions.get(stream.id) ?? null });
    inTurn(stream.id, () => own.follow(stream, group));
  } else if (message.do === 'leave') inTurn(message.stream, () => leave(message.stream));
  else if (message.do === 'take') take(message);
  else if (message.do === 'opened') opening.get(message.call)?.(message.fd);
  else if (message.do === 'count') tell(message.call);
  else if (message.do === 'forget') void forget(message.group);
  else if (message.do === 'describe') out?.describe(message.group, message.resource);
  else void end(message.call);
});

/** At the end: the agent waits for the rest of its own shutdown, too. */
const sendWithinMs = 1000;

async function end(call: number): Promise<void> {
  await own.close().catch((error: unknown) => problem(messageOf(error)));
  journal.flush();
  waiting.close();
  // What is stored as read has been told by then; the network may take longer than anybody waits.
  tell(0);
  await Promise.all([positions?.close(), out?.shutdown(sendWithinMs)]);
  tell(call);
  agent.close();
}
