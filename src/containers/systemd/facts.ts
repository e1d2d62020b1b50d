/** What systemd says of a unit; empty where it does not. */
export interface UnitFacts {
  /** How it starts: `simple`, `notify`, `oneshot`, ... (systemd.service(5), Type=). */
  readonly type: string;
  /** The first of the units that start it, `nginx.socket`. */
  readonly triggeredBy: string;
}

export const noFacts: UnitFacts = { type: '', triggeredBy: '' };

/** Types are words and unit names are short (systemd.unit(5): 255 characters): whatever else is said becomes no label. */
const word = /^[\w:.@\\-]{1,255}$/;

export function factsOf(type: unknown, triggeredBy: unknown): UnitFacts {
  const textOf = (value: unknown): string => (typeof value === 'string' && word.test(value) ? value : '');
  return { type: textOf(type), triggeredBy: textOf(triggeredBy) };
}

/** What runs for a moment, by a clock, or for whoever calls it on the bus: a part of the system rather than a service. */
export function isBackground({ type, triggeredBy }: UnitFacts): boolean {
  return type === 'oneshot' || type === 'dbus' || triggeredBy.endsWith('.timer');
}
