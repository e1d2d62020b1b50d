/** Where the figures of one subject come from: files of a cgroup, read together, and what they say. */
export interface FigureSource<T> {
  /** Files of the cgroup at `path`, a path from the root of the hierarchy. */
  files(path: string): readonly string[];
  /** One text for each file, `undefined` for one that could not be read. What they do not say is left out. */
  parse(texts: readonly (string | undefined)[]): T;
}
