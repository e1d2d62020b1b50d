import { copied } from './utf8.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Numbers that a double may not hold, as far as the text tells; longer ones are nobody's figures. */
const bigNumber = /\d{16}|\d[eE][+-]?\d{3}/;
const maxDigits = 128;

/** The object that `text` is; undefined where it is anything else. */
export function parsedObject(text: string): JsonObject | undefined {
  if (!looksLikeOne(text)) return undefined;
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return undefined;
  }
}

/** The same object with numbers as text where a double would change them; null for those of more than 128 characters. */
export function exactly(text: string, object: JsonObject): JsonObject {
  if (!bigNumber.test(text)) return object;
  try {
    return JSON.parse(text, (_key: string, value: unknown, context?: { source?: string }) => {
      const source = context?.source;
      if (typeof value !== 'number' || source === undefined) return value;
      if (source.length > maxDigits) return null;
      return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
        ? value
        : copied(source);
    }) as JsonObject;
  } catch {
    // Nested too deeply for a walk over it.
    return object;
  }
}

/** Keeps what is in braces and no JSON from the parser, whose errors are dear. */
function looksLikeOne(text: string): boolean {
  if (text.charCodeAt(0) !== 123 || text.charCodeAt(text.length - 1) !== 125) return false;
  let at = 1;
  while (isJsonSpace(text.charCodeAt(at))) at++;
  const code = text.charCodeAt(at);
  return code === 34 || (code === 125 && at === text.length - 1);
}

function isJsonSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}
