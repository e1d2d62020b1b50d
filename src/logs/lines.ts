/** Longer lines are cut. */
export const maxLineBytes = 256 * 1024;
/** An unfinished line of no more than this keeps its memory for the next one. */
const keptBytes = 1024;
const newline = 0x0a;

/** `line`: without its newline, valid during the call only. `end`: position behind the newline. */
export type OnLine = (line: Buffer, end: number) => void;

/** Puts the lines of one file together from the pieces it is read in. */
export interface Lines {
  /** `start`: position of the first byte of `piece`. A carriage return before the newline stays. */
  add(piece: Buffer, start: number): void;
  /** The file has ended: what came after its last newline is a line too. */
  end(position: number): void;
  /** Bytes that have come since the last newline, also those that were cut off. */
  readonly heldBytes: number;
}

/** `onCut` is told how many bytes a line was too long by. */
export function lines(onLine: OnLine, onCut: (bytes: number) => void, maxBytes = maxLineBytes): Lines {
  let held: Buffer = Buffer.alloc(0);
  let kept = 0;
  let seen = 0;

  const hold = (piece: Buffer): void => {
    seen += piece.length;
    const bytes = Math.min(piece.length, maxBytes - kept);
    if (held.length < kept + bytes) {
      const larger = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(2 * held.length, kept + bytes)));
      held.copy(larger, 0, 0, kept);
      held = larger;
    }
    piece.copy(held, kept, 0, bytes);
    kept += bytes;
  };
  const giveHeld = (end: number): void => {
    const line = held.subarray(0, kept);
    if (seen > kept) onCut(seen - kept);
    kept = 0;
    seen = 0;
    if (held.length > keptBytes) held = Buffer.alloc(0);
    onLine(line, end);
  };

  return {
    add(piece, start) {
      let from = 0;
      for (let to = piece.indexOf(newline); to !== -1; to = piece.indexOf(newline, from)) {
        const line = piece.subarray(from, to);
        from = to + 1;
        if (seen === 0 && line.length <= maxBytes) {
          onLine(line, start + from);
        } else {
          hold(line);
          giveHeld(start + from);
        }
      }
      if (from < piece.length) hold(piece.subarray(from));
    },
    end(position) {
      if (seen > 0) giveHeld(position);
    },
    get heldBytes() {
      return seen;
    },
  };
}
