/** The two ways to tell the agent an option, so that a test can try both. */
export const ways = ['flags', 'variables'] as const;

/** Arguments and environment of a start. */
export interface Said {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The names of what is said that way, as `proves` wants them. */
  readonly names: readonly string[];
}

/** Says options, named like flags without dashes in front. */
export function say(way: (typeof ways)[number], options: Readonly<Record<string, string>>): Said {
  const named = Object.entries(options).map(([option, value]): [name: string, value: string] => [
    way === 'flags' ? `--${option}` : option.toUpperCase().replaceAll('-', '_'),
    value,
  ]);
  const names = named.map(([name]) => name);
  return way === 'flags'
    ? { argv: named.map((pair) => pair.join('=')), env: {}, names }
    : { argv: [], env: Object.fromEntries(named), names };
}
