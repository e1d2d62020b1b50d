/** Journal files as systemd itself writes them, and what is read from them. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal, JournalBatch } from '../../src/native/addon.ts';
import { entriesOf, type JournalEntry } from '../../src/logs/journal-batch.ts';
import { addon, scratch, until } from './fixture.ts';

/** Turns the export format (systemd.dev/JOURNAL_EXPORT_FORMATS) into journal files. */
const writer = '/lib/systemd/systemd-journal-remote';

export const skipWriter = existsSync(writer)
  ? false
  : 'needs systemd-journal-remote, of the package of the same name';

export type Fields = Readonly<Record<string, string | Buffer>>;

const boot = '0123456789abcdef0123456789abcdef';
let writtenUs = 0;

/** In the export format, in the form for binary data; times go up by a microsecond. */
function exported(fields: Fields): Buffer {
  writtenUs = Math.max(writtenUs + 1, Date.now() * 1000);
  const head = `__REALTIME_TIMESTAMP=${writtenUs}\n__MONOTONIC_TIMESTAMP=${writtenUs - 1e15}\n_BOOT_ID=${boot}\n`;
  const parts = Object.entries(fields).flatMap(([name, value]) => {
    // Without length it would be left out.
    if (value.length === 0) return [Buffer.from(`${name}=\n`)];
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(Buffer.byteLength(value)));
    return [Buffer.from(`${name}\n`), length, Buffer.from(value), Buffer.from('\n')];
  });
  return Buffer.concat([Buffer.from(head), ...parts, Buffer.from('\n')]);
}

export function newDirectory(): string {
  return mkdtempSync(join(scratch, 'journal-'));
}

export interface Writer {
  write(...entries: readonly Fields[]): void;
  /** Writes what is left, and closes the file. */
  end(): Promise<void>;
}

/** Writes to a file, which stays open. */
export function openWriter(file: string, options: readonly string[] = []): Writer {
  const child = spawn(writer, ['--split-mode=none', ...options, '-o', file, '-'], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const exit = once(child, 'close').then(([code]) => {
    if (code !== 0) throw new Error(`${writer} ended with ${code}: ${said}`);
  });
  exit.catch(() => {});
  return {
    write: (...entries) => void child.stdin.write(Buffer.concat(entries.map(exported))),
    end: () => {
      child.stdin.end();
      return exit;
    },
  };
}

/** Writes entries to a file and closes it. */
export function writeJournal(
  file: string,
  entries: readonly Fields[],
  options: readonly string[] = [],
): void {
  importJournal(file, Buffer.concat(entries.map(exported)), options);
}

/** The same for entries in the export format. */
export function importJournal(file: string, input: Buffer, options: readonly string[] = []): void {
  const result = spawnSync(writer, ['--split-mode=none', ...options, '-o', file, '-'], { input });
  if (result.status !== 0) throw new Error(`${writer}: ${result.stderr.toString()}`);
}

/** Numbered entries of three units in turn, with all priorities. */
export function numbered(first: number, count: number): Fields[] {
  return Array.from({ length: count }, (_, i) => {
    const unit = `unit-${(first + i) % 3}.service`;
    return {
      MESSAGE: `line ${first + i}`,
      PRIORITY: String((first + i) % 8),
      SYSLOG_IDENTIFIER: 'numbers',
      _SYSTEMD_UNIT: unit,
      _SYSTEMD_CGROUP: `/system.slice/${unit}`,
    };
  });
}

/** What `numbered` is when it is read. */
export function texts(first: number, count: number): string[] {
  return numbered(first, count).map((fields) =>
    [fields['_SYSTEMD_UNIT'], fields['_SYSTEMD_CGROUP'], fields['PRIORITY'], fields['MESSAGE']].join(' '),
  );
}

export interface Reading {
  readonly journal: Journal;
  readonly batches: JournalBatch[];
  readonly entries: JournalEntry[];
  /** As `texts` has them. */
  texts(): string[];
  total(figure: 'entries' | 'cut' | 'withoutMessage' | 'unreadable'): number;
  untilRead(entries: number): Promise<void>;
}

export async function read(
  directory: string,
  cursor: string | null = null,
  onBatch: (batch: JournalBatch) => void = () => {},
): Promise<Reading> {
  const batches: JournalBatch[] = [];
  const entries: JournalEntry[] = [];
  const journal = await addon.openJournal(directory, cursor, (batch) => {
    batches.push(batch);
    entries.push(...entriesOf(batch));
    onBatch(batch);
  });
  return {
    journal,
    batches,
    entries,
    texts: () =>
      entries.map(({ unit, cgroup, priority, message }) =>
        [unit, cgroup, priority, message.toString()].join(' '),
      ),
    total: (figure) => batches.reduce((sum, batch) => sum + batch[figure], 0),
    untilRead: (wanted) => until(() => entries.length >= wanted, 20_000),
  };
}

/** Names of the journal files. */
export function filesIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.includes('.journal'))
    .sort();
}
