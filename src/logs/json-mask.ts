import { exactly, parsedObject, type JsonObject } from './json-object.ts';

/** What stands for white space that JSON escapes: other white space. */
const spaces: readonly (readonly [string, string])[] = [
  ['\t', '\u2004'],
  ['\n', '\u2028'],
  ['\f', '\u2006'],
  ['\r', '\u2029'],
];
/** All else that JSON escapes, but quotes: noncharacters (The Unicode Standard, 23.7), which are nobody's text. */
const standIns = new Map([
  ...Array.from(
    { length: 32 },
    (_, code) => [String.fromCharCode(code), String.fromCharCode(0xfdd0 + code)] as const,
  ),
  ['\\', '\ufffe'],
  ...spaces,
]);
const escapes = new Map(
  [...standIns].map(([character, other]) => [other, JSON.stringify(character).slice(1, -1)]),
);
/** Before what is no text. */
const notText = '\uffff';
const noncharacter = /[\ufdd0-\ufdef\ufffe\uffff]/g;
const standIn = /[\u2004\u2006\u2028\u2029\ufdd0-\ufdef\ufffe]/g;
const untouched = /"\uffff(-?\d[\d.eE+-]*|true|false|null)"/g;
const escaped = /[\p{Cc}\\]/gu;
const looksOther = /["\p{Cc}\\]/u;

/** A text without its secrets that is an object of JSON in which something is escaped; undefined for any other. */
export function maskedObject(text: string, mask: (text: string) => string): string | undefined {
  const object = text.includes('\\') ? parsedObject(text) : undefined;
  return object && (maskedJson(exactly(text, object), mask) ?? text);
}

/**
 * JSON of the same object without its secrets; undefined where it has none. What is masked are texts as they are read, not as they are
 * escaped: each by itself, and all of them with the names around them. Of numbers, true and false only those that are secrets become
 * texts; null is nothing. Where it is nested too deeply for a walk over it, all of it is masked.
 */
export function maskedJson(object: JsonObject, mask: (text: string) => string): string | undefined {
  let isFound = false;
  const plain = (text: string): string => {
    const own = looksOther.test(text) ? mask(text) : text;
    isFound ||= own !== text;
    return own
      .toWellFormed()
      .replace(noncharacter, '\ufffd')
      .replace(escaped, (character) => standIns.get(character) ?? character);
  };
  let whole;
  try {
    whole = JSON.stringify(object, (_key, value: unknown) => {
      if (typeof value === 'string') return plain(value);
      if (Array.isArray(value)) return value as unknown[];
      if (typeof value !== 'object' || value === null) return notText + String(value);
      const fields = Object.entries(value).filter(([, inner]) => inner !== null);
      return Object.fromEntries(fields.map(([name, inner]) => [plain(name), inner as unknown]));
    });
  } catch {
    return '***';
  }
  const masked = mask(whole);
  if (!isFound && masked === whole) return undefined;
  return masked
    .replace(untouched, '$1')
    .replace(standIn, (character) => escapes.get(character)!)
    .replaceAll(notText, '');
}
