/** Turns one line of JSON from pino into one line for people; what is no JSON stays as it is. */
export function readableLine(json: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return json;
  }
  const { level, time, msg, ...rest } = entry;
  const clockTime = String(time).slice(11, 23);
  const fields = Object.entries(rest).map(([key, value]) => ` ${key}=${readableValue(value)}`);
  return `${clockTime} ${String(level).toUpperCase().padEnd(5)} ${printable(typeof msg === 'string' ? msg : '')}${fields.join('')}\n`;
}

/** A plain word as it is, everything else as JSON; of an error its message, since a stack has many lines. */
function readableValue(value: unknown): string {
  if (typeof value === 'string' && /^[\w./:@+-]+$/.test(value)) return value;
  const message = (value as { message?: unknown; stack?: unknown } | null)?.message;
  return printable(JSON.stringify(typeof message === 'string' ? message : value));
}

/** Names that come from containers must not steer a terminal. */
function printable(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
