/** RFC 3339 and its usual variants, with an offset: a time of day somewhere is no time. */
const withOffset =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))? ?(Z|z|[+-]\d\d(?=:?\d\d$)):?(\d\d)?$/;

/** Milliseconds since 1970 of a date, or of a number of seconds, milli-, micro- or nanoseconds, between 2001 and 2099. */
export function timeMsOf(value: unknown): number | undefined {
  if (typeof value === 'number') return ofNumber(value);
  return typeof value === 'string' ? ofText(value) : dateOf(value);
}

/** Of a date as MongoDB writes it: `{"$date": "..."}`. */
export function dateOf(value: unknown): number | undefined {
  const date = (value as { $date?: unknown } | null)?.$date;
  return typeof date === 'string' ? ofText(date) : typeof date === 'number' ? ofNumber(date) : undefined;
}

function ofNumber(value: number): number | undefined {
  for (const unitMs of [1000, 1, 1e-3, 1e-6]) {
    const ms = value * unitMs;
    if (isOfOurs(ms)) return ms;
  }
  return undefined;
}

/** Others mean that there is none (0001-01-01 of Go), and may be more nanoseconds than OTLP can hold. */
function isOfOurs(ms: number): boolean {
  return ms >= 1e12 && ms < 4.1e12;
}

function ofText(text: string): number | undefined {
  if (text.length > 40) return undefined;
  const match = withOffset.exec(text);
  if (match === null) return undefined;
  const [, date, time, fraction = '', hours, minutes] = match;
  const offset = minutes === undefined ? 'Z' : `${hours}:${minutes}`;
  const ms = Date.parse(`${date}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}${offset}`);
  return isOfOurs(ms) ? ms : undefined;
}
