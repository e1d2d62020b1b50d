/** How the text of an option becomes a value. Every source (flag, variable, file) delivers text. */
export interface ValueType<T> {
  /** Name of the convict format, unique among all types. */
  readonly name: string;
  /** Stands for the value in `--help`; empty when the flag alone is enough. */
  readonly placeholder: string;
  /** Completes "... is not"; starts with an article. */
  readonly expected: string;
  /** The flag may be repeated, a file may hold a list; the texts are joined by newlines. */
  readonly list?: true;
  /** Throws an Error when the text has another form; its message, possibly empty, adds a detail to `expected`. */
  parse(text: string): T;
}

/** Lets a pure parser of one item accept several, one a line. Empty lines count for nothing. */
export function listOf<T>(item: ValueType<T>): ValueType<readonly T[]> {
  return {
    name: `list of ${item.name}`,
    placeholder: item.placeholder,
    expected: item.expected,
    list: true,
    parse: (text) =>
      text
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .map((line) => item.parse(line)),
  };
}
