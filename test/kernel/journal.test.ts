/** What units write to systemd's own journal, as journalctl tells it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JournalEntry } from '../../src/logs/journal-batch.ts';
import { followJournal } from '../../src/logs/journal.ts';
import { addon } from './machine.ts';

const skip = whySkip();
const lines = 2000;

function whySkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  if (readFileSync('/proc/1/comm', 'utf8').trim() !== 'systemd' || !existsSync('/run/systemd/system'))
    return 'needs systemd as the first process';
  return false;
}

/** Runs a script as a service of its own, to its end. */
function runUnit(unit: string, script: string): void {
  execFileSync('systemd-run', ['--quiet', '--wait', `--unit=${unit}`, 'sh', '-c', script]);
}

/** `priority message` of each entry that the unit wrote. */
function journalctl(unit: string): string[] {
  execFileSync('journalctl', ['--sync']);
  const args = [`_SYSTEMD_UNIT=${unit}`, '-o', 'json', '--output-fields=MESSAGE,PRIORITY'];
  return execFileSync('journalctl', args, { encoding: 'utf8', maxBuffer: 64 << 20 })
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { MESSAGE: string; PRIORITY: string })
    .map(({ MESSAGE, PRIORITY }) => `${PRIORITY} ${MESSAGE}`);
}

test('every line of a unit, through a rotation and a restart', { skip }, async (t) => {
  const units = ['a', 'b'].map((name) => `journal-test-${process.pid}-${name}.service`);
  const seen: JournalEntry[] = [];
  const states: string[] = [];
  const follow = (cursor: string | null): ReturnType<typeof followJournal> =>
    followJournal({
      addon: addon(),
      root: '',
      cursor,
      onEntries: (entries) => void seen.push(...entries),
      onState: (directory, failure) => states.push(failure?.message ?? String(directory)),
    });
  const ofUnit = (wanted: string): string[] =>
    seen
      .filter(({ unit }) => unit === wanted)
      .map(({ priority, message }) => `${priority} ${message.toString()}`);
  const until = async (holds: () => boolean): Promise<void> => {
    const end = performance.now() + 120_000;
    while (!holds() && performance.now() < end) await sleep(50);
    assert.ok(holds(), `${holds.toString()}: ${seen.length} entries, ${states.join(', ')}`);
  };
  const script = `for i in $(seq ${lines}); do echo "<$((i % 8))>line $i"; done`;

  const first = follow(null);
  t.after(() => first.close());
  await until(() => states.length > 0);
  assert.match(states[0]!, /^\/(run|var)\/log\/journal/);
  runUnit(units[0]!, script);
  execFileSync('journalctl', ['--rotate']);
  await until(() => ofUnit(units[0]!).length >= lines);
  first.close();
  runUnit(units[1]!, script);
  const second = follow(first.cursor());
  t.after(() => second.close());
  await until(() => ofUnit(units[1]!).length >= lines);

  for (const unit of units) {
    assert.deepEqual(ofUnit(unit), journalctl(unit));
    assert.equal(ofUnit(unit).length, lines);
    const cgroups = seen.filter((entry) => entry.unit === unit).map(({ cgroup }) => cgroup);
    assert.deepEqual([...new Set(cgroups)], [`/system.slice/${unit}`]);
  }
  const { unreadable, lostPlaces } = second.figures();
  assert.deepEqual([unreadable, lostPlaces, first.figures().unreadable], [0, 0, 0]);
});
