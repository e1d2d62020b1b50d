/** Entries of systemd's journal, taken apart: systemd.journal-fields(7). */
import type { JournalBatch } from '../native/addon.ts';

export interface JournalEntry {
  /** `_SYSTEMD_UNIT`, such as `sshd.service`; empty for what no unit says, the kernel for one. */
  readonly unit: string;
  /** `_SYSTEMD_USER_UNIT`: the unit of a user's own systemd, whose `unit` is `user@1000.service`. Empty for all others. */
  readonly userUnit: string;
  /** `_SYSTEMD_CGROUP`, from the root of the hierarchy, such as `/system.slice/sshd.service`. */
  readonly cgroup: string;
  /** `SYSLOG_IDENTIFIER`. */
  readonly identifier: string;
  /** 0 (emergency) to 7 (debug) of syslog(3); -1 for none. */
  readonly priority: number;
  /** Bytes as they were written, of one line or more; they share memory with those of the same batch. */
  readonly message: Buffer;
  /** Whether the message was longer than 64 KiB. */
  readonly isCut: boolean;
  /** When journald got it, milliseconds since the epoch. */
  readonly timeMs: number;
}

const headerBytes = 32;
const noPriority = 255;

/** Each entry of a batch, in its order. */
export function* entriesOf({ records }: Pick<JournalBatch, 'records'>): Generator<JournalEntry> {
  for (let start = 0; start < records.length;) {
    let at = start + headerBytes;
    const next = (field: number): [number, number] => [
      at,
      (at += records.readUInt32LE(start + 8 + 4 * field)),
    ];
    const message = records.subarray(...next(0));
    const [unit, userUnit, cgroup, identifier] = [1, 2, 3, 4].map((field) =>
      records.toString('utf8', ...next(field)),
    );
    const priority = records[start + 28]!;
    yield {
      unit: unit!,
      userUnit: userUnit!,
      cgroup: cgroup!,
      identifier: identifier!,
      priority: priority === noPriority ? -1 : priority,
      message,
      isCut: records[start + 29] === 1,
      timeMs: Number(records.readBigUInt64LE(start)) / 1000,
    };
    start = (at + 7) & ~7;
  }
}
