import type { BpfObject } from '../native/addon.ts';
import type { KernelFigures } from './figures.ts';
import { uint64 } from './uint64.ts';

/** Programs that tell what happens through a ring buffer. */
export interface RingSource {
  figures(): KernelFigures;
  /** Idempotent. */
  close(): void;
}

export interface RingObject {
  readonly object: BpfObject;
  /** What the programs are told before they are loaded, in `.rodata`. */
  readonly told: { readonly offset: number; readonly bytes: Uint8Array };
  /** Attached in this order. */
  readonly programs: readonly string[];
  /** Besides the ring. */
  readonly maps: readonly string[];
  readonly ring: string;
  /** Where in `.bss` the programs count what found no place in the ring. */
  readonly dropped: { readonly offset: number; readonly size: number };
  readonly onBatch: (batch: Buffer) => void;
}

/** Loads and attaches an object and drains its ring. The object is closed when that fails. */
export async function startRing(source: RingObject): Promise<RingSource> {
  const { object, told, programs, maps, ring, dropped, onBatch } = source;
  try {
    object.setInitial('.rodata', told.offset, told.bytes);
    await object.load();
    for (const program of programs) object.attach(program);
    const open = object.openRing(ring, onBatch);
    return {
      close() {
        open.close();
        object.close();
      },
      figures: () => ({
        object,
        programs,
        maps: [ring, ...maps],
        entries: {},
        refused: [],
        ringDropped: {
          [ring]: uint64(object.readGlobal('.bss', dropped.offset, dropped.size)),
        },
      }),
    };
  } catch (error) {
    object.close();
    throw error;
  }
}
