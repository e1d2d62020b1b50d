/**
 * npm run conformance: how far the agent is, of every metric family and every option of the reference.
 *   --check   what is committed in test/conformance/numbers.json may not be lost      --write   commits what there is now
 *   --tier T  says which parts of tier T left no results (ci unless told)             --tests   all tests of a row, not one
 *   --results FOLDER   of the suite, build/results unless told
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readEvidence } from '../test/conformance/evidence.ts';
import { compare, numbersOf, toCommit, type Committed } from '../test/conformance/numbers.ts';
import { familyTable, optionTable, unknownSubjects, type Table } from '../test/conformance/tables.ts';
import { parts } from './suite/parts.ts';

const flag = { type: 'boolean' } as const;
const { values } = parseArgs({
  options: {
    check: flag,
    write: flag,
    tests: flag,
    tier: { type: 'string', default: 'ci' },
    results: { type: 'string', default: 'build/results' },
  },
});
const numbersFile = join(import.meta.dirname, '../test/conformance/numbers.json');
const say = (text: string): unknown => process.stdout.write(`${text}\n`);

const evidence = readEvidence(values.results);
const missingParts = parts
  .filter(({ name }) => name !== 'conformance')
  .filter(({ name, tiers }) => tiers.some((tier) => tier === values.tier) && !evidence.parts.includes(name))
  .map(({ name }) => name);
const tables = { families: familyTable(evidence), options: optionTable(evidence) };

for (const table of Object.values(tables)) print(table);
say(
  `kernels seen: ${[...new Set(evidence.sightings.map(({ kernel }) => kernel))].sort().join(', ') || 'none'}`,
);
for (const reason of evidence.refused) say(`not counted: ${reason}`);
if (missingParts.length > 0) say(`parts of tier ${values.tier} without results: ${missingParts.join(', ')}`);
for (const subject of unknownSubjects(evidence)) say(`a test proves what nobody knows: ${subject}`);

if (values.write) {
  const committed = Object.fromEntries(
    Object.entries(tables).map(([name, table]) => [name, toCommit(table)]),
  );
  writeFileSync(numbersFile, `${JSON.stringify(committed, undefined, 2)}\n`);
}
if (values.check) process.exitCode = check();

function print({ title, columns, rows }: Table): void {
  say(`${title}\n  ${columns.join(' ')}`);
  for (const { subject, reached, tests } of rows) {
    const marks = columns.map((column) => (reached.includes(column) ? 'x' : '.').padEnd(column.length));
    const [first = '', ...more] = tests;
    const shown = values.tests
      ? tests.join('; ')
      : `${first}${more.length > 0 ? ` (and ${more.length} more)` : ''}`;
    say(`  ${marks.join(' ')}  ${subject}${shown && `  <- ${shown}`}`);
  }
  const numbers = numbersOf({ title, columns, rows });
  say(`${title}: ${columns.map((column) => `${numbers[column]} ${column}`).join(', ')} of ${rows.length}\n`);
}

function check(): number {
  const committed = JSON.parse(readFileSync(numbersFile, 'utf8')) as Record<keyof typeof tables, Committed>;
  const lost: string[] = [];
  const gained: string[] = [];
  for (const name of ['families', 'options'] as const) {
    const found = compare(tables[name], committed[name]);
    lost.push(...found.lost);
    gained.push(...found.gained);
  }
  for (const line of lost) say(`lost: ${line}`);
  if (lost.length > 0 && missingParts.length > 0)
    say('lost for want of the parts without results, maybe: run them');
  for (const line of gained) say(`gained: ${line}`);
  if (gained.length > 0) say('keep what is gained: npm run conformance -- --write');
  return lost.length > 0 || unknownSubjects(evidence).length > 0 ? 1 : 0;
}
