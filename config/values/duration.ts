import type { ValueType } from './value.ts';

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5, the micro sign
  μs: 1e-3, // U+03BC, the Greek letter
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3600e3,
};
const unitNames = Object.keys(unitMs).join('|');
const wholePattern = new RegExp(`^\\+?(?:(?:\\d+\\.?\\d*|\\.\\d+)(?:${unitNames}))+$`);

/** Go keeps durations in an int64 of nanoseconds. */
const maxMs = 2 ** 63 / 1e6;

/** Milliseconds of a duration in the syntax of Go's time.ParseDuration, exact to the nanosecond; no negative ones. */
export function parseDuration(text: string): number {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!wholePattern.test(text)) throw new Error();
  let totalMs = 0;
  for (const [, number, unit] of text.matchAll(new RegExp(`([\\d.]+)(${unitNames})`, 'g'))) {
    totalMs += Number(number) * unitMs[unit!]!;
  }
  if (totalMs >= maxMs) throw new Error('it exceeds 292 years');
  return Math.round(totalMs * 1e6) / 1e6;
}

export const duration: ValueType<number> = {
  name: 'duration',
  placeholder: 'DURATION',
  expected: 'a duration such as 30s, 1m30s, 100ms or 0',
  parse: parseDuration,
};

/** What a timer may be set to: a Node.js timer beyond 2^31 ms fires at once. */
export const intervalRangeMs = { min: 100, max: 24 * 3600e3 } as const;

export const interval: ValueType<number> = {
  name: 'interval',
  placeholder: 'DURATION',
  expected: 'a duration from 100ms to 24h',
  parse: (text) => {
    const ms = parseDuration(text);
    if (ms < intervalRangeMs.min || ms > intervalRangeMs.max) throw new Error();
    return ms;
  },
};
