/** What journald itself writes, through rotation and its move from /run to /var. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { followJournal } from '../../src/logs/journal.ts';
import type { JournalEntry } from '../../src/logs/journal-batch.ts';
import { addon, until } from './fixture.ts';
import { filesIn } from './journals.ts';
import { skipJournald as skip, startJournald } from './journald.ts';

const machine = skip === false ? readFileSync('/etc/machine-id', 'utf8').trim() : '';

function byNumber(one: string, other: string): number {
  return Number(one.split(' ')[2]) - Number(other.split(' ')[2]);
}

function journalctl(directory: string): string[] {
  const args = ['-D', directory, '-t', 'journald-test', '-o', 'json', '--output-fields=MESSAGE,PRIORITY'];
  const lines = execFileSync('journalctl', args, { encoding: 'utf8', maxBuffer: 64 << 20 })
    .trim()
    .split('\n');
  return lines
    .map((line) => JSON.parse(line) as { MESSAGE: string; PRIORITY: string })
    .map(({ MESSAGE, PRIORITY }) => `${PRIORITY} ${MESSAGE}`);
}

test('every line of journald, once and in order', { skip }, async (t) => {
  const journald = await startJournald();
  t.after(() => journald.stop());
  const directoryOf = (place: string): string => join(journald.root, place, 'log/journal', machine);
  const seen: JournalEntry[] = [];
  const states: string[] = [];
  const follow = (cursor: string | null): ReturnType<typeof followJournal> =>
    followJournal({
      addon,
      root: journald.root,
      cursor,
      onEntries: (entries) => void seen.push(...entries),
      onState: (directory, failure) => states.push(failure?.message ?? String(directory)),
      lookMs: 100,
    });
  let next = 0;
  const log = (count: number): Promise<void> =>
    journald.log(Array.from({ length: count }, () => ({ priority: next % 8, text: `line ${next++}` })));
  const untilSeen = (count: number): Promise<void> =>
    until(() => seen.filter(({ identifier }) => identifier === 'journald-test').length >= count, 20_000);

  const first = follow(null);
  t.after(() => first.close());
  await until(() => states.length === 1);
  assert.deepEqual(states, [directoryOf('run')]);
  await log(3000);
  journald.rotate();
  await log(3000);
  await until(() => filesIn(directoryOf('run')).length >= 2);
  await untilSeen(6000);

  journald.flush();
  await until(() => states.length > 1, 20_000);
  assert.deepEqual(states.slice(1), [directoryOf('var')]);
  await log(1000);
  await untilSeen(7000);

  // As after a restart, with lines and a rotation in between.
  first.close();
  const cursor = first.cursor();
  await log(1000);
  journald.rotate();
  await log(1000);
  const second = follow(cursor);
  t.after(() => second.close());
  await untilSeen(9000);

  const lines = seen.filter(({ identifier }) => identifier === 'journald-test');
  const found = lines.map(({ priority, message }) => `${priority} ${message.toString()}`);
  assert.deepEqual(
    [...found].sort(byNumber),
    Array.from({ length: 9000 }, (_, i) => `${i % 8} line ${i}`),
  );
  // journald itself decides which of two streams comes first.
  assert.deepEqual(found, journalctl(directoryOf('var')));
  const figures = [first.figures(), second.figures()];
  assert.deepEqual(
    figures.map(({ unreadable, cut, lostPlaces, reopened }) => [unreadable, cut, lostPlaces, reopened]),
    [
      [0, 0, 0, 1],
      [0, 0, 0, 0],
    ],
  );
});
