/** A budget of bytes that many share. */
export interface Room {
  /** False, and nothing taken, where there is not so much left. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

export function room(limitBytes: number): Room {
  let left = limitBytes;
  return {
    take(bytes) {
      if (bytes > left) return false;
      left -= bytes;
      return true;
    },
    give(bytes) {
      left += bytes;
    },
  };
}
