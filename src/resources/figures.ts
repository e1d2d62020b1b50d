import type { TextReader } from '../host/texts.ts';

/** Where a figure comes from: files of a cgroup, read together, and what they say. */
export interface FigureSource<T> {
  /** Files of the cgroup at `path`, a path from the root of the hierarchy. */
  files(path: string): readonly string[];
  /** One text for each file, `undefined` for one that could not be read. What they do not say is left out. */
  parse(texts: readonly (string | undefined)[]): T;
}

/** Files to read in one go, for many cgroups and figures. */
export interface Wishes {
  /** `take` gets the texts when all are read; none of them could be read when `gone`. */
  wish<T>(source: FigureSource<T>, path: string, take: (figure: T, gone: boolean) => void): void;
  /** Reads, and hands out what was read in the order of the wishes. */
  fulfil(): Promise<void>;
}

export function wishes(read: TextReader): Wishes {
  const files: string[] = [];
  const takers: ((texts: readonly (string | undefined)[]) => void)[] = [];
  return {
    wish(source, path, take) {
      const own = source.files(path);
      const start = files.length;
      files.push(...own);
      takers.push((texts) => {
        const mine = texts.slice(start, start + own.length);
        take(
          source.parse(mine),
          mine.every((text) => text === undefined),
        );
      });
    },
    async fulfil() {
      const texts = await read(files);
      for (const take of takers) take(texts);
    },
  };
}
