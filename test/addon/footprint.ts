/** What this process holds, measured so that a leak shows and a cache does not. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openDescriptors, threads } from './fixture.ts';

export interface Footprint {
  readonly descriptors: number;
  readonly threads: number;
  /** Memory of no file, proc(5) `RssAnon`. */
  readonly anonymousKiB: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** After everything that is garbage has gone; finalizers run in a turn of the event loop of their own. */
export async function settledFootprint(): Promise<Footprint> {
  for (let turn = 0; turn < 2; turn++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const status = readFileSync('/proc/self/status', 'utf8');
  const anonymousKiB = Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]);
  return { descriptors: openDescriptors(), threads: threads(), anonymousKiB };
}

/**
 * Runs `round` until memory stands still: the lowest of the last two rounds is not above that of the two before. Caches,
 * arenas and heaps fill up once and then go up and down, what leaks grows each time. Answers the footprints before, after
 * each round; at least `fewest`, at most `most` rounds.
 */
export async function untilLevel(
  round: () => Promise<void>,
  { fewest, most, toleratedKiB }: { fewest: number; most: number; toleratedKiB: number },
): Promise<{ level: boolean; footprints: readonly Footprint[] }> {
  const footprints = [await settledFootprint()];
  const lowest = (start: number, end?: number): number =>
    Math.min(...footprints.slice(start, end).map(({ anonymousKiB }) => anonymousKiB));
  const isLevel = (): boolean => footprints.length > fewest && lowest(-2) - lowest(-4, -2) <= toleratedKiB;
  while (!isLevel() && footprints.length <= most) {
    await round();
    footprints.push(await settledFootprint());
  }
  return { level: isLevel(), footprints };
}
