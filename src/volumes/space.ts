import type { Container, ListedContainer } from '../model/containers.ts';
import { isSpotOf, type SpotReader } from './spots.ts';
import { containersAtOnce, type View, type Views } from './views.ts';
import type { Volume, Volumes } from './volumes.ts';

interface Asked {
  readonly container: ListedContainer;
  readonly volumes: Volumes;
  readonly volume: Volume;
}

/** A process may have ended: another one is asked then, so often. */
const attempts = 3;

/**
 * Reads the space of all volumes that are shown, once for each directory of a file system: whoever else has it mounted gets
 * the same, unless the way to it may hang. What cannot be looked at, or hangs, has none.
 */
export async function updateSpace(
  containers: readonly ListedContainer[],
  known: ReadonlyMap<Container, Volumes>,
  deps: {
    readonly views: Views;
    readonly spots: SpotReader;
    readonly refresh: (container: ListedContainer, view: View | undefined) => void;
  },
): Promise<void> {
  let open: Asked[] = [];
  for (const container of containers) {
    const volumes = known.get(container);
    for (const volume of volumes?.all() ?? []) {
      volume.space = undefined;
      if (
        container.visible &&
        container.topCgroups.length > 0 &&
        volumes!.process !== undefined &&
        !volume.covered
      )
        open.push({ container, volumes: volumes!, volume });
    }
  }
  for (let attempt = 0; open.length > 0 && attempt < attempts; attempt++) {
    if (attempt > 0) {
      const again = [...new Set(open.map(({ container }) => container))];
      for (let start = 0; start < again.length; start += containersAtOnce) {
        const some = again.slice(start, start + containersAtOnce);
        const views = await deps.views(some);
        some.forEach((container, i) => deps.refresh(container, views[i]));
      }
      open = open.filter(({ volumes }) => volumes.process !== undefined);
    }
    open = await ask(open, deps.spots);
  }
  for (const { volume } of open) volume.covered = true;
}

/** Answers those that could not be looked at. */
async function ask(open: readonly Asked[], spots: SpotReader): Promise<Asked[]> {
  const groups = Map.groupBy(
    open,
    ({ volume: { mount, place } }) => `${place} ${mount.device} ${mount.root}`,
  );
  const asked = [...groups.values()].map(
    (group) => group.find(({ volumes }) => volumes.process) ?? group[0]!,
  );
  const found = await spots(
    asked.map(({ volumes, volume: { mount, place } }) => ({
      pid: volumes.process?.pid ?? 0,
      startTicks: volumes.process?.startTicks ?? 0,
      path: mount.mountPoint,
      place,
    })),
  );
  return [...groups.values()].flatMap((group, i) => {
    const spot = found[i];
    if (spot === 'hangs') return [];
    if (!isSpotOf(spot, asked[i]!.volume.mount)) {
      // The next attempt asks somebody else, if there is somebody.
      return [...group.filter((each) => each !== asked[i]), asked[i]!];
    }
    for (const { volume } of group) volume.space = spot.space;
    return [];
  });
}
