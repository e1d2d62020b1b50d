import { isIPv4 } from 'node:net';
import type { Field } from './provider.ts';

/** Names that clouds give: no spaces, no control characters, no more than the longest of them (Oracle's, 255). */
const name = /^[\w.:/@+-]{1,255}$/;

/** What may become a label, and the fields that were there but may not. */
export interface Checked {
  readonly fields: Partial<Record<Field, string>>;
  readonly refused: readonly Field[];
}

export function check(found: Readonly<Partial<Record<Field, unknown>>>): Checked {
  const fields: Partial<Record<Field, string>> = {};
  const refused: Field[] = [];
  for (const [key, value] of Object.entries(found)) {
    const field = key as Field;
    if (value === undefined || value === null || value === '') continue;
    const isGood = typeof value === 'string' && (field.endsWith('Ipv4') ? isIPv4(value) : name.test(value));
    if (isGood) fields[field] = value;
    else refused.push(field);
  }
  return { fields, refused };
}
