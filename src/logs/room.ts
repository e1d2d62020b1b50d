/** A budget of bytes that many share. */
export interface Room {
  /** False, and nothing taken, where there is not so much left. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/** Rooms within one, by name: none takes more than its share of it, so that one cannot take what all others need. */
export function shares(whole: Room, shareBytes: number): (name: string) => Room {
  const taken = new Map<string, number>();
  return (name) => ({
    take(bytes) {
      const now = (taken.get(name) ?? 0) + bytes;
      if (now > shareBytes || !whole.take(bytes)) return false;
      taken.set(name, now);
      return true;
    },
    give(bytes) {
      whole.give(bytes);
      const left = (taken.get(name) ?? 0) - bytes;
      if (left > 0) taken.set(name, left);
      else taken.delete(name);
    },
  });
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
