/** A file that is followed through rotations, as who wants its lines describes it. */
export interface Followed {
  /** Unique; also its key in the stored positions. */
  readonly id: string;
  /**
   * Opens the file for reading, as `openLog` does: answers a descriptor, which is closed by who asked. Rejects with `code` `ENOENT` when
   * there is no file now.
   */
  open(): Promise<number>;
  /** Its directory, in which rotated files are looked for; undefined where inotify does not work: the file is polled. */
  readonly directory?: string;
  /**
   * Its name in the directory, by which its rotated files are told. Without it they are told while the file is there, and has not just been
   * rotated again.
   */
  readonly name?: string;
  /** Opens another file of the directory in the same manner. Without it unread rests of rotated files are not looked for. */
  openSibling?(name: string): Promise<number>;
  /** Where no stored position is known: whether to begin at byte 0 or at the end. */
  readonly fromStart: boolean;
  /**
   * A line without its newline, valid during the call only. `end`: logical position behind it: bytes of this stream since the agent
   * began to follow it.
   */
  onLine(line: Buffer, end: number): void;
  /** Logical position up to which everything has been counted; what lies behind is read again after a restart. */
  committed(): number;
}

/** Where reading goes on after a restart. */
export interface Position {
  /** Decimal: both may need 64 bits. */
  readonly device: string;
  readonly inode: string;
  /** Bytes. */
  readonly offset: number;
  /** Of the file's first bytes: inodes are used again, and files are truncated. */
  readonly fingerprint: string;
}

export const isSamePosition = (one: Position, other: Position): boolean =>
  one.offset === other.offset &&
  one.inode === other.inode &&
  one.device === other.device &&
  one.fingerprint === other.fingerprint;

/** What has happened to all that is followed, since the beginning. */
export interface TailFigures {
  readBytes: number;
  /** What lines were too long by. */
  cutBytes: number;
  cutLines: number;
  rotations: number;
  truncations: number;
  /** Bytes that had been seen, but not read, when their file was truncated. */
  destroyedBytes: number;
  /** How many times that has happened, or may have while nobody looked. */
  destroyedSpans: number;
  /** Files with an unread rest, maybe, that were found no more. */
  vanishedFiles: number;
  /** What stood in the place of a file and is none; each once. */
  refusedFiles: number;
  /** Failures to open or to read, each once until something else happens. */
  failures: number;
}

export const noFigures = (): TailFigures => ({
  readBytes: 0,
  cutBytes: 0,
  cutLines: 0,
  rotations: 0,
  truncations: 0,
  destroyedBytes: 0,
  destroyedSpans: 0,
  vanishedFiles: 0,
  refusedFiles: 0,
  failures: 0,
});
