/** The number behind `key` in a file of lines `key value`: cgroup v1 and v2 statistics. 0 where the key is missing. */
export function valueOf(text: string, key: string): number {
  const start = text.startsWith(`${key} `) ? 0 : text.indexOf(`\n${key} `) + 1;
  const number = new RegExp(`${key} (\\d+)`, 'y');
  number.lastIndex = start;
  return Number(number.exec(text)?.[1] ?? 0);
}

/** An unsigned decimal number as the kernel prints it; undefined for anything else. */
export function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,20}$/.test(text) ? Number(text) : undefined;
}

/** The number that a file of one line holds; `undefined` for anything else, such as `max` or -1. */
export function numberIn(text: string | undefined): number | undefined {
  return decimal(text?.replace(/\n$/, ''));
}
