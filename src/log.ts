import pino, { type Logger } from 'pino';
import { systemClock, type Clock } from './host/clock.ts';
import { readableLine } from './log-line.ts';
import { TokenBucket } from './token-bucket.ts';

export interface LogOptions {
  readonly level: pino.Level;
  /** Lines that may be written in the long run. */
  readonly perSecond: number;
  /** Lines that may be written at once. */
  readonly burst: number;
}

/** Where lines go; a terminal gets readable ones, everything else JSON. */
export interface LogStream {
  readonly isTTY?: boolean;
  write(line: string): unknown;
}

export interface Log {
  readonly logger: Logger;
  /** Lines that the rate limit has dropped since start. */
  droppedLines(): number;
  /** Reports what was dropped last. The logger stays usable. */
  flush(): void;
}

/** How long drops are gathered before one line tells their number. */
const burstMs = 10_000;

/** The agent's own log. Fatal lines are never dropped. */
export function createLog(
  options: LogOptions,
  stream: LogStream = standardError(),
  clock: Clock = systemClock,
): Log {
  const tokens = new TokenBucket(options.perSecond, options.burst, clock);
  let dropped = 0;
  let untold = 0;
  let timer: NodeJS.Timeout | undefined;

  const write = stream.isTTY
    ? (line: string) => stream.write(readableLine(line))
    : (line: string) => stream.write(line);
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
      hooks: {
        logMethod(args, method, level) {
          if (level >= pino.levels.values['fatal']! || tokens.take()) return method.apply(this, args);
          dropped++;
          untold++;
          timer ??= setTimeout(flush, burstMs).unref();
        },
      },
    },
    { write },
  );

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (untold === 0) return;
    write(
      `${JSON.stringify({
        level: 'warn',
        time: new Date(clock.now()).toISOString(),
        droppedLines: untold,
        msg: 'log lines were dropped by the rate limit',
      })}\n`,
    );
    untold = 0;
  }

  return { logger, droppedLines: () => dropped, flush };
}

/** A reader of the log that goes away must not end the agent. */
function standardError(): LogStream {
  process.stderr.on('error', () => {});
  return process.stderr;
}
