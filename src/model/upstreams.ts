import type { Container } from './containers.ts';

/** What a container talks to. */
export interface Upstream {
  readonly container: Container;
  /** Canonical texts: the actual destinations of connects that succeeded, the destinations of those that failed. */
  readonly addresses: ReadonlySet<string>;
}

export interface Upstreams {
  /** As of the last reading of connections; one under way is waited for. */
  list(): Promise<Iterable<Upstream>>;
}
