import { copied, cut } from './utf8.ts';

export type Attribute = readonly [name: string, value: string | number | boolean];

const maxAttributes = 100;
const maxDepth = 8;
const maxNameBytes = 256;
const maxValueBytes = 4096;

/**
 * Fields of a JSON object, those of objects in it behind the name around them and a dot. What is nested deeper than eight, and
 * lists, are JSON text. Null is nothing. Of two that end up with one name the first stays. Left out is what is over a hundred, has no name or a
 * longer one than 256 bytes; values are cut at 4 KiB.
 */
export function attributesOf(
  object: Readonly<Record<string, unknown>>,
  without: ReadonlySet<string>,
): readonly Attribute[] {
  const found = new Map<string, string | number | boolean>();

  const note = (name: string, value: string | number | boolean | undefined): void => {
    if (
      value !== undefined &&
      !found.has(name) &&
      found.size < maxAttributes &&
      name !== '' &&
      Buffer.byteLength(name) <= maxNameBytes
    )
      found.set(name, typeof value === 'string' ? own(value) : value);
  };
  const visit = (fields: object, before: string, depth: number): void => {
    for (const [key, value] of Object.entries(fields) as [string, unknown][]) {
      const name = before + key;
      if (value === null || without.has(name)) continue;
      if (typeof value === 'string' || typeof value === 'boolean') note(name, value);
      else if (typeof value === 'number') note(name, Number.isFinite(value) ? value : String(value));
      else if (depth < maxDepth && !Array.isArray(value)) visit(value as object, `${name}.`, depth + 1);
      else if (found.size < maxAttributes) note(name, jsonOf(value));
    }
  };
  visit(object, '', 1);
  return [...found];
}

/** What is cut does not keep the rest in memory. */
function own(value: string): string {
  const kept = cut(value, maxValueBytes);
  return kept === value ? value : copied(kept);
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // Nested too deeply for a walk over it.
    return undefined;
  }
}
