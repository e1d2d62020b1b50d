/** At once. */
const most = 8;
/** Of these: users can let their runtimes hang. */
const mostOfUsers = 2;

/** A few turns for many, in the order in which they come; users wait until nobody else does, and have a part of the turns alone. */
export interface TurnQueue<T> {
  add(one: T, ofUser: boolean): void;
  /** Whoever waits gets no turn any more. */
  close(): void;
}

/** `take` does not reject. */
export function turnQueue<T>(take: (one: T) => Promise<void>): TurnQueue<T> {
  const waiting: T[] = [];
  const ofUsers: T[] = [];
  let taken = 0;
  let takenByUsers = 0;
  const next = (): void => {
    while (taken < most) {
      const byUser = waiting.length === 0;
      if (byUser && (ofUsers.length === 0 || takenByUsers >= mostOfUsers)) return;
      const one = (byUser ? ofUsers : waiting).shift()!;
      taken++;
      if (byUser) takenByUsers++;
      void take(one).finally(() => {
        taken--;
        if (byUser) takenByUsers--;
        next();
      });
    }
  };
  return {
    add(one, ofUser) {
      (ofUser ? ofUsers : waiting).push(one);
      next();
    },
    close() {
      waiting.length = 0;
      ofUsers.length = 0;
    },
  };
}
