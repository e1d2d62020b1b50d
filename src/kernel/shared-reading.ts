import type { TcpProgram, TcpReading } from './tcp-program.ts';

/** Far less than between two collections, which are a second apart at least. */
const sharedMs = 500;

/** One reading for all who collect from it at the same time, the first of whom starts it. One that fails fails for all. */
export function sharedReading(read: TcpProgram['read'], forMs = sharedMs): TcpProgram['read'] {
  let shared: Promise<TcpReading> | undefined;
  return () => {
    if (shared === undefined) {
      const mine = (shared = read());
      const forget = (): void => {
        if (shared === mine) shared = undefined;
      };
      mine.then(() => setTimeout(forget, forMs).unref(), forget);
    }
    return shared;
  };
}
