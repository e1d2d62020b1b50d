/** The committed numbers: what was reached once may not be lost. Pure. */
import type { Table } from './tables.ts';

/** One table as it is committed. */
export interface Committed {
  /** How many rows reach a column; `of` is all rows. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Columns that a row reaches, in words; rows that reach none are left out. */
  readonly rows: Readonly<Record<string, string>>;
}

export function numbersOf({ columns, rows }: Table): Committed['numbers'] {
  const counts = columns.map((column) => [
    column,
    rows.filter(({ reached }) => reached.includes(column)).length,
  ]);
  return { ...(Object.fromEntries(counts) as Record<string, number>), of: rows.length };
}

export function toCommit(table: Table): Committed {
  const rows = table.rows.filter(({ reached }) => reached.length > 0);
  return {
    numbers: numbersOf(table),
    rows: Object.fromEntries(rows.map(({ subject, reached }) => [subject, reached.join(' ')])),
  };
}

/** What the committed rows reach and the table does not, and the other way round, as `<subject>: <columns>`. */
export function compare(table: Table, committed: Committed): { lost: string[]; gained: string[] } {
  const before = new Map(
    Object.entries(committed.rows).map(([subject, words]) => [subject, words.split(' ')]),
  );
  const now = new Map(table.rows.map(({ subject, reached }) => [subject, reached]));
  return { lost: missing(before, now), gained: missing(now, before) };
}

type Reached = ReadonlyMap<string, readonly string[]>;

function missing(from: Reached, other: Reached): string[] {
  return [...from].flatMap(([subject, columns]) => {
    const left = columns.filter((column) => !other.get(subject)?.includes(column));
    return left.length > 0 ? [`${subject}: ${left.join(', ')}`] : [];
  });
}
