/** Follows systemd's journal from wherever journald keeps it. */
import { AgentError, codeOf, unsupported } from '../errors.ts';
import type { Addon, Journal, JournalBatch } from '../native/addon.ts';
import { entriesOf, type JournalEntry } from './journal-batch.ts';
import { journalDirectory } from './journal-directory.ts';

export interface JournalOptions {
  readonly addon: Pick<Addon, 'openJournal'>;
  /** Root directory of the host, as in `HostPaths`. */
  readonly root: string;
  /** Where to begin, a `cursor` of an earlier batch; without one, or where its entry is gone: now. */
  readonly cursor: string | null;
  /** In the order of the journal. The next batch is read when this has returned; `cursor` is behind the last entry. */
  onEntries(entries: readonly JournalEntry[], cursor: string | null): void;
  /**
   * What is followed from now on (undefined: there is no journal), or why it is not. UNSUPPORTED is the last that is heard:
   * the library is missing. Told on change alone.
   */
  onState(directory: string | undefined, failure: AgentError | undefined): void;
  /** Between looks at where the journal is; 30 s by default. */
  readonly lookMs?: number;
}

/** Totals since the start. */
export interface JournalFigures {
  readonly entries: number;
  /** Messages that were longer than 64 KiB. */
  readonly cut: number;
  readonly withoutMessage: number;
  /** Damaged entries. */
  readonly unreadable: number;
  /** How often the journal had to be opened anew, because reading failed or journald moved. */
  readonly reopened: number;
  /** How often the place to go on from was gone, so that entries may be missing. */
  readonly lostPlaces: number;
}

export interface FollowedJournal {
  figures(): JournalFigures;
  /** Behind what `onEntries` has got; null before there was anything. */
  cursor(): string | null;
  /** Nothing is called any more. Idempotent. */
  close(): void;
}

/** Begins at once; a journal that is not there yet is waited for. */
export function followJournal(options: JournalOptions): FollowedJournal {
  const figures = { entries: 0, cut: 0, withoutMessage: 0, unreadable: 0, reopened: 0, lostPlaces: 0 };
  let cursor = options.cursor;
  let journal: Journal | undefined;
  let directory: string | undefined;
  let told: string | undefined;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const tell = (failure?: AgentError): void => {
    const state = failure === undefined ? `in ${directory}` : failure.message;
    if (isClosed || state === told) return;
    told = state;
    options.onState(failure === undefined ? directory : undefined, failure);
  };

  const onBatch = (batch: JournalBatch): void => {
    if (isClosed) return;
    figures.entries += batch.entries;
    figures.cut += batch.cut;
    figures.withoutMessage += batch.withoutMessage;
    figures.unreadable += batch.unreadable;
    if (batch.failure !== null) figures.reopened++;
    cursor = batch.cursor ?? cursor;
    options.onEntries([...entriesOf(batch)], cursor);
  };

  const stop = (): void => {
    journal?.close();
    journal = undefined;
  };

  const look = async (): Promise<void> => {
    const found = await journalDirectory(options.root);
    if (isClosed || (found === directory && (journal !== undefined || found === undefined))) return tell();
    if (journal !== undefined) figures.reopened++;
    stop();
    directory = found;
    if (found === undefined) return tell();
    const opened = await options.addon.openJournal(found, cursor, onBatch);
    if (isClosed) return opened.close();
    journal = opened;
    if (cursor !== null && !opened.foundCursor) figures.lostPlaces++;
    cursor = opened.cursor ?? cursor;
    tell();
  };

  const lookAgain = async (): Promise<void> => {
    try {
      await look();
    } catch (error) {
      const failure = explained(error);
      tell(failure);
      if (failure.code === 'UNSUPPORTED') return;
    }
    if (!isClosed) timer = setTimeout(() => void lookAgain(), options.lookMs ?? 30_000).unref();
  };

  void lookAgain();
  return {
    figures: () => ({ ...figures }),
    cursor: () => cursor,
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      stop();
    },
  };
}

/** A library that is missing is nothing that passes. */
function explained(error: unknown): AgentError {
  if (codeOf(error) === 'ELIBACC')
    return unsupported(
      'the journal cannot be read without libsystemd.so.0 (package libsystemd0 of Debian, Ubuntu and SUSE, systemd-libs of Fedora and Red Hat)',
      error,
    );
  const { message, syscall, path } = error as Error & { syscall?: string; path?: string };
  return new AgentError(codeOf(error), message, {
    ...(syscall === undefined ? {} : { syscall }),
    ...(path === undefined ? {} : { path }),
    cause: error,
  });
}
