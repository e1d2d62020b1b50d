import { closeQuietly } from './opened.ts';

/** Descriptors on their way to a worker: they are the agent's until the worker has its own. */
export interface Handed {
  add(fd: number): void;
  /** Closes it. */
  done(fd: number): void;
  /** Closes all of them: nobody waits for them any more. */
  clear(): void;
}

export function handed(): Handed {
  const all = new Set<number>();
  const done = (fd: number): void => {
    if (all.delete(fd)) closeQuietly(fd);
  };
  return { add: (fd) => all.add(fd), done, clear: () => all.forEach(done) };
}
