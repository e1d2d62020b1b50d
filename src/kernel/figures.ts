import type { BpfObject } from '../native/addon.ts';

/** What one loaded object tells about itself, for the self-metrics. */
export interface KernelFigures {
  readonly object: BpfObject;
  readonly programs: readonly string[];
  readonly maps: readonly string[];
  /** Entries in use at the last reading, of maps that have been read. */
  readonly entries: Readonly<Record<string, number>>;
  readonly refused: readonly { readonly map: string; readonly reason: string; readonly count: number }[];
  readonly ringDropped: Readonly<Record<string, number>>;
}
