import { cut } from './utf8.ts';

export type Attribute = readonly [name: string, value: string | number | boolean];

export interface Attributes {
  readonly list: readonly Attribute[];
  readonly dropped: number;
}

const maxAttributes = 100;
const maxDepth = 8;
const maxNameBytes = 256;
const maxValueBytes = 4096;

/**
 * Fields of a JSON object, those of objects in it behind the name around them and a dot. What is nested deeper than eight, and
 * lists, are JSON text. Null is nothing. Of two that end up with one name the first stays.
 */
export function attributesOf(
  object: Readonly<Record<string, unknown>>,
  without: ReadonlySet<string>,
): Attributes {
  const found = new Map<string, string | number | boolean>();
  let dropped = 0;

  const note = (name: string, value: string | number | boolean | undefined): void => {
    if (
      value === undefined ||
      found.has(name) ||
      found.size >= maxAttributes ||
      name === '' ||
      Buffer.byteLength(name) > maxNameBytes
    )
      dropped++;
    else found.set(name, typeof value === 'string' ? cut(value, maxValueBytes) : value);
  };
  const visit = (fields: object, before: string, depth: number): void => {
    for (const [key, value] of Object.entries(fields) as [string, unknown][]) {
      const name = before + key;
      if (value === null || without.has(name)) continue;
      if (typeof value === 'string' || typeof value === 'boolean') note(name, value);
      else if (typeof value === 'number') note(name, Number.isFinite(value) ? value : String(value));
      else if (depth < maxDepth && !Array.isArray(value)) visit(value as object, `${name}.`, depth + 1);
      else if (found.size < maxAttributes) note(name, jsonOf(value));
      else dropped++;
    }
  };
  visit(object, '', 1);
  return { list: [...found], dropped };
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // Nested too deeply for a walk over it.
    return undefined;
  }
}
