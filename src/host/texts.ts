import { readText } from './files.ts';
import type { Addon } from '../native/addon.ts';

/** Reads many kernel files; `undefined` for one that cannot be read, or not in time. */
export type TextReader = (paths: readonly string[]) => Promise<(string | undefined)[]>;

/** Files of a cgroup are far smaller. */
const cgroupBytes = 64 << 10;
/** For one file: memory.stat of a large cgroup takes a few milliseconds. */
const deadlineMs = 500;

/** errno(3). */
const EFBIG = 27;

/**
 * All in one call of the addon, off the event loop; without it one after the other. Of a file that is larger than `maxBytes`
 * the addon answers the beginning. `encoding` counts with the addon; without it text is UTF-8.
 */
export function textReader(
  addon: Addon | undefined,
  maxBytes = cgroupBytes,
  encoding: 'latin1' | 'utf8' = 'latin1',
): TextReader {
  if (addon === undefined)
    return (paths) => Promise.all(paths.map((path) => readText(path, maxBytes).catch(() => undefined)));
  return async (paths) => {
    const { bytes, offsets, errors } = await addon.readFiles(paths, deadlineMs, maxBytes);
    return paths.map((_, i) =>
      errors[i] === 0 || errors[i] === EFBIG
        ? bytes.toString(encoding, offsets[i], offsets[i + 1])
        : undefined,
    );
  };
}
