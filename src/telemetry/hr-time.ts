import type { HrTime } from '@opentelemetry/api';

/** Seconds and nanoseconds of milliseconds since the epoch. */
export function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

/** The earlier of two times. */
export function earlier(a: HrTime, b: HrTime): HrTime {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]) ? a : b;
}
