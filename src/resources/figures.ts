/** Where the figures of one subject come from: files of a cgroup, read together, and what they say. */
export interface FigureSource<T> {
  /** Files of the cgroup at `path`, a path from the root of the hierarchy. */
  files(path: string): readonly string[];
  /** One text for each file, `undefined` for one that could not be read. What they do not say is left out. */
  parse(texts: readonly (string | undefined)[]): T;
}

/** The number behind `key` in a file of lines `key value`: cgroup v1 and v2 statistics. 0 where the key is missing. */
export function valueOf(text: string, key: string): number {
  const start = text.startsWith(`${key} `) ? 0 : text.indexOf(`\n${key} `) + 1;
  const number = new RegExp(`${key} (\\d+)`, 'y');
  number.lastIndex = start;
  return Number(number.exec(text)?.[1] ?? 0);
}

/** The number that a file of one line holds; `undefined` for anything else, such as `max` or -1. */
export function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,20}\n?$/.test(text) ? Number(text) : undefined;
}
