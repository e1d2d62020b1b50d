import type { TcpReading } from '../kernel/tcp-program.ts';

const nothing = Buffer.alloc(0);

/** The first walk of a machine on which nothing is connected. */
export const nothingRead: TcpReading = {
  walk: 1,
  counts: nothing,
  overflow: nothing,
  histograms: nothing,
  shares: nothing,
  listens: nothing,
};
