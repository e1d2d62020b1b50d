/** Log records of OpenTelemetry (https://opentelemetry.io/docs/specs/otel/logs/data-model/) of messages. */
import {
  ROOT_CONTEXT,
  SeverityNumber,
  trace,
  TraceFlags,
  type HrTime,
  type Logger,
} from '@opentelemetry/api';
import type { Clock } from '../host/clock.ts';
import { maskedObject } from './json-mask.ts';
import type { JsonMessage } from './json.ts';
import type { Level } from './level.ts';
import { copied, cut } from './utf8.ts';

/** A message that has been counted. */
export interface CountedMessage {
  readonly level: Level;
  readonly text: string;
  /** Of its pattern; '' where it has none. */
  readonly hash: string;
  readonly json: JsonMessage | undefined;
  /** When it was written, milliseconds since the epoch. */
  readonly timeMs: number | undefined;
}

export type Emit = (message: CountedMessage) => void;

/** As long as messages become. */
const maxBodyBytes = 65_536;
const severities: Readonly<Record<Level, SeverityNumber>> = {
  unknown: SeverityNumber.UNSPECIFIED,
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warning: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  critical: SeverityNumber.FATAL,
};
/** The data model's word for a time that is not known. */
const unknownTime: HrTime = [0, 0];

/** Sends messages on by `logger`, their secrets masked, as long as `hasRoom`. */
export function emitter(
  logger: Logger,
  {
    mask,
    clock,
    hasRoom,
  }: {
    readonly mask: (text: string) => string;
    readonly clock: Pick<Clock, 'now'>;
    readonly hasRoom: () => boolean;
  },
): Emit {
  return ({ level, text, hash, json, timeMs }) => {
    if (!hasRoom()) return;
    logger.emit({
      body: copied(cut(maskedObject(text, mask) ?? mask(text), maxBodyBytes)),
      severityNumber: severities[level],
      severityText: level,
      timestamp: timeMs === undefined ? unknownTime : hrTimeOf(timeMs),
      observedTimestamp: hrTimeOf(clock.now()),
      attributes: {
        ...(json && Object.fromEntries(json.maskedAttributes(mask))),
        ...(hash !== '' && { 'pattern.hash': hash }),
      },
      ...(json?.traceId !== undefined && { context: contextOf(json.traceId, json.spanId ?? '') }),
    });
  };
}

const contextOf = (traceId: string, spanId: string) =>
  trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.NONE });

function hrTimeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6))];
}
