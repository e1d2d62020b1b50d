import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentError } from '../errors.ts';
import type { JournalBatch } from '../native/addon.ts';
import { entriesOf, type JournalEntry } from './journal-batch.ts';
import { journalDirectory } from './journal-directory.ts';
import { followJournal, type FollowedJournal } from './journal.ts';

const machine = '0123456789abcdef0123456789abcdef';
const other = 'fedcba9876543210fedcba9876543210';

function newRoot(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'journal-test-'));
  t.after(() => rmSync(root, { recursive: true }));
  return root;
}

function touch(path: string, seconds = 1000): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  utimesSync(path, seconds, seconds);
}

/** As the addon packs one. */
function record(texts: readonly string[], priority: number, isCut = false, timeUs = 0): Buffer {
  const header = Buffer.alloc(32);
  header.writeBigUInt64LE(BigInt(timeUs));
  texts.forEach((text, i) => header.writeUInt32LE(Buffer.byteLength(text), 8 + 4 * i));
  header.writeUInt8(priority, 28);
  header.writeUInt8(Number(isCut), 29);
  const record = Buffer.concat([header, Buffer.from(texts.join(''))]);
  return Buffer.concat([record, Buffer.alloc(-record.length & 7)]);
}

function batch(change: Partial<JournalBatch> = {}): JournalBatch {
  const counts = { entries: 0, cut: 0, withoutMessage: 0, unreadable: 0 };
  return { records: Buffer.alloc(0), ...counts, cursor: null, failure: null, ...change };
}

test('entries are taken apart', () => {
  const records = Buffer.concat([
    record(['message', 'a.service', '', '/system.slice/a.service', 'a'], 3, false, 1_700_000_000_123_456),
    record(['é', '', '', '', ''], 255, true),
    record(['', 'user@1.service', 'b.service', '/user.slice', ''], 0),
  ]);
  assert.deepEqual(
    [...entriesOf({ records })].map((entry) => ({ ...entry, message: entry.message.toString() })),
    [
      {
        unit: 'a.service',
        userUnit: '',
        cgroup: '/system.slice/a.service',
        identifier: 'a',
        priority: 3,
        message: 'message',
        isCut: false,
        timeMs: 1_700_000_000_123.456,
      },
      {
        unit: '',
        userUnit: '',
        cgroup: '',
        identifier: '',
        priority: -1,
        message: 'é',
        isCut: true,
        timeMs: 0,
      },
      {
        unit: 'user@1.service',
        userUnit: 'b.service',
        cgroup: '/user.slice',
        identifier: '',
        priority: 0,
        message: '',
        isCut: false,
        timeMs: 0,
      },
    ],
  );
  assert.deepEqual([...entriesOf({ records: Buffer.alloc(0) })], []);
});

test('the journal is where files are, and where they were written to last', async (t) => {
  const root = newRoot(t);
  const [run, var_] = [join(root, 'run/log/journal'), join(root, 'var/log/journal')];
  assert.equal(await journalDirectory(root), undefined);
  mkdirSync(join(var_, machine), { recursive: true });
  touch(join(var_, 'remote/a.journal'));
  touch(join(var_, machine, 'fss'));
  assert.equal(await journalDirectory(root), undefined);
  touch(join(var_, machine, 'system@1-2-3.journal'));
  assert.equal(await journalDirectory(root), var_);
  touch(join(run, machine, 'system.journal'));
  assert.equal(await journalDirectory(root), run);
  touch(join(var_, machine, 'system.journal'), 999);
  assert.equal(await journalDirectory(root), run);
  touch(join(var_, machine, 'user-1000.journal'), 1001);
  assert.equal(await journalDirectory(root), var_);
  rmSync(var_, { recursive: true });
  assert.equal(await journalDirectory(root), run);
});

test('journals of containers beside that of the machine are left alone', async (t) => {
  const root = newRoot(t);
  const journals = join(root, 'var/log/journal');
  touch(join(journals, machine, 'system.journal'));
  touch(join(journals, other, 'system.journal'), 2000);
  assert.equal(await journalDirectory(root), journals);
  touch(join(root, 'etc/machine-id'));
  assert.equal(await journalDirectory(root), journals);
  writeFileSync(join(root, 'etc/machine-id'), `${machine}\n`);
  assert.equal(await journalDirectory(root), join(journals, machine));
});

interface Opened {
  readonly directory: string;
  readonly cursor: string | null;
  readonly onBatch: (batch: JournalBatch) => void;
  isClosed: boolean;
}

/** Follows with an addon that opens nothing; what was opened, said and read. */
function following(
  t: TestContext,
  root: string,
  answer: (directory: string) => { cursor: string | null; foundCursor: boolean },
  cursor: string | null = null,
): {
  followed: FollowedJournal;
  opened: Opened[];
  states: [string | undefined, AgentError | undefined][];
  read: [readonly JournalEntry[], string | null][];
} {
  const opened: Opened[] = [];
  const states: [string | undefined, AgentError | undefined][] = [];
  const read: [readonly JournalEntry[], string | null][] = [];
  const followed = followJournal({
    addon: {
      openJournal: async (directory, cursor, onBatch) => {
        const journal = { ...answer(directory), close: () => void (one.isClosed = true) };
        const one: Opened = { directory, cursor, onBatch, isClosed: false };
        opened.push(one);
        return journal;
      },
    },
    root,
    cursor,
    onEntries: (entries, cursor) => read.push([entries, cursor]),
    onState: (directory, failure) => states.push([directory, failure]),
    lookMs: 10,
  });
  // The timer of what is followed keeps nobody alive.
  const alive = setInterval(() => {}, 1000);
  t.after(() => {
    clearInterval(alive);
    followed.close();
  });
  return { followed, opened, states, read };
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await sleep(10);
  assert.ok(holds(), holds.toString());
}

test('a journal is waited for, and followed where it goes, from where it was', async (t) => {
  const root = newRoot(t);
  const [run, var_] = [join(root, 'run/log/journal'), join(root, 'var/log/journal')];
  const { followed, opened, states, read } = following(t, root, (directory) =>
    directory === run ? { cursor: 'end', foundCursor: false } : { cursor: 'moved', foundCursor: true },
  );
  await until(() => states.length === 1);
  assert.deepEqual([states[0], followed.cursor()], [[undefined, undefined], null]);

  touch(join(run, 'system.journal'));
  await until(() => states.length === 2);
  assert.deepEqual([opened[0]!.directory, opened[0]!.cursor, followed.cursor()], [run, null, 'end']);
  const records = record(['text', 'a.service', '', '', ''], 3);
  opened[0]!.onBatch(
    batch({ records, entries: 1, cut: 1, unreadable: 2, withoutMessage: 3, cursor: 'first' }),
  );
  opened[0]!.onBatch(batch({ failure: new Error('broken') }));
  assert.deepEqual(
    read.map(([entries, cursor]) => [entries.map(({ unit }) => unit), cursor]),
    [
      [['a.service'], 'first'],
      [[], 'first'],
    ],
  );

  touch(join(var_, 'system.journal'), 2000);
  await until(() => states.length === 3);
  assert.deepEqual([opened[1]!.directory, opened[1]!.cursor, opened[0]!.isClosed], [var_, 'first', true]);
  assert.equal(followed.cursor(), 'moved');
  assert.deepEqual(followed.figures(), {
    entries: 1,
    cut: 1,
    unreadable: 2,
    withoutMessage: 3,
    reopened: 2,
    lostPlaces: 0,
  });
  rmSync(join(root, 'run'), { recursive: true });
  rmSync(join(root, 'var'), { recursive: true });
  await until(() => states.length === 4);
  assert.deepEqual([states[3], opened[1]!.isClosed], [[undefined, undefined], true]);

  followed.close();
  opened[1]!.onBatch(batch({ cursor: 'late' }));
  assert.deepEqual([read.length, followed.cursor()], [2, 'moved']);
});

test('a place that is gone is told', async (t) => {
  const root = newRoot(t);
  touch(join(root, 'var/log/journal/a.journal'));
  const { followed, states } = following(t, root, () => ({ cursor: 'end', foundCursor: false }), 'gone');
  await until(() => states.length === 1);
  assert.deepEqual([followed.figures().lostPlaces, followed.cursor()], [1, 'end']);
});

test('what fails is told once and tried again', async (t) => {
  const root = newRoot(t);
  touch(join(root, 'var/log/journal/a.journal'));
  let tries = 0;
  const { followed, states } = following(t, root, () => {
    if (++tries < 4) throw Object.assign(new Error('no'), { code: 'EMFILE', syscall: 'sd_journal_get_fd' });
    return { cursor: null, foundCursor: false };
  });
  await until(() => states.length === 2);
  assert.deepEqual(
    states.map(([directory, failure]) => [directory, failure?.code, failure?.syscall]),
    [
      [undefined, 'EMFILE', 'sd_journal_get_fd'],
      [join(root, 'var/log/journal'), undefined, undefined],
    ],
  );
  followed.close();
});

test('without the library it is over, with the name of its package', async (t) => {
  const root = newRoot(t);
  touch(join(root, 'var/log/journal/a.journal'));
  let tries = 0;
  const { states } = following(t, root, () => {
    tries++;
    throw Object.assign(new Error('no'), { code: 'ELIBACC' });
  });
  await until(() => states.length === 1);
  assert.equal(states[0]![1]!.code, 'UNSUPPORTED');
  assert.match(states[0]![1]!.message, /libsystemd\.so\.0 .*libsystemd0.*systemd-libs/);
  await sleep(50);
  assert.equal(tries, 1);
});

test('closed while it opens', async (t) => {
  const root = newRoot(t);
  touch(join(root, 'var/log/journal/a.journal'));
  const found = following(t, root, () => {
    found.followed.close();
    return { cursor: null, foundCursor: false };
  });
  await until(() => found.opened[0]?.isClosed === true);
  assert.deepEqual(found.states, []);
});
