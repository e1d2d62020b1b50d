/** One measured figure and what it may cost. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Largest value allowed; `undefined` for figures that are only told. */
  readonly budget?: number;
}

/** Prints figures as a table; a figure over its budget makes the run fail. */
export function report(title: string, figures: readonly Figure[]): void {
  console.log(`\n${title}`);
  const rows = figures.map(({ name, value, unit, budget }) => {
    const verdict = budget === undefined ? '' : value <= budget ? 'ok' : 'OVER';
    if (verdict === 'OVER') process.exitCode = 1;
    return [name, `${value.toFixed(2)} ${unit}`, budget === undefined ? '' : `<= ${budget} ${unit}`, verdict];
  });
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    console.log(`  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`);
  }
}
