import type { ListedContainer } from '../model/containers.ts';

/** Processes of each container, in that order. */
export type PidsOf = (containers: readonly ListedContainer[]) => Promise<readonly (readonly string[])[]>;

/** Asks for the processes of all of them at once, each container once. Answers those of one; none where nobody tells, or of none. */
export async function processesOf(
  wanted: Iterable<ListedContainer | undefined>,
  pidsOf: PidsOf,
): Promise<(container: ListedContainer | undefined) => readonly string[]> {
  const containers = [...new Set(wanted)].filter((container) => container !== undefined);
  const pids = await pidsOf(containers).catch(() => []);
  const byContainer = new Map(containers.map((container, i) => [container, pids[i] ?? []]));
  return (container) => (container && byContainer.get(container)) ?? [];
}
