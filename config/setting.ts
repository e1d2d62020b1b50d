import type { OptionName } from './schema.ts';

/** One option as one source has it: always text, as typed. */
export interface Setting {
  readonly option: OptionName;
  readonly text: string;
  /** Where it stands, for messages: `flag --listen`. */
  readonly from: string;
}

/** What a source holds. Each message names source, value and expectation. */
export interface Source {
  readonly settings: readonly Setting[];
  readonly messages: readonly string[];
}

/** A value inside a message: on one line, not long, without the password of a URL. */
export function quoted(text: string): string {
  const shown = text.replace(/\/\/[^/@\s]*@/g, '//***@');
  return JSON.stringify(shown.length > 100 ? `${shown.slice(0, 100)}...` : shown);
}
