import type { Container } from './containers.ts';

/**
 * Keeps what is held by container in line with who is `listed`: those that turned out to be others hand it over, and what belongs to
 * nobody any more goes.
 */
export function handOver<T>(
  held: Map<Container, T>,
  listed: ReadonlySet<Container>,
  give: (successor: Container, what: T, from: Container) => void,
): void {
  for (const [container, what] of held) {
    const { successor } = container;
    if (successor !== undefined) give(successor, what, container);
    if (successor !== undefined || !listed.has(container)) held.delete(container);
  }
}
