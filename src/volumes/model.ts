import type { Mount } from '../kernel/mountinfo.ts';
import type { Container, ListedContainer } from '../model/containers.ts';
import type { Names } from './names.ts';
import { handOver } from '../model/successors.ts';
import { mountsOf } from './seen.ts';
import type { Sightings } from './sightings.ts';
import type { SpotReader } from './spots.ts';
import { updateSpace } from './space.ts';
import { containersAtOnce, type View, type Views } from './views.ts';
import { Volumes } from './volumes.ts';

export interface VolumeModelDeps {
  readonly containers: { all(): Iterable<ListedContainer> };
  readonly sightings: Sightings;
  readonly views: Views;
  readonly spots: SpotReader;
  /** What mounts are called, as of now. */
  readonly names: () => Promise<((mount: Mount) => Names) | undefined>;
  /** All mounts, whether anybody writes there or not. */
  readonly all: boolean;
  readonly nowMs: () => number;
}

export interface VolumeModel {
  update(): Promise<void>;
  /** Of every container that has or had some. */
  volumes(): Iterable<readonly [ListedContainer, Volumes]>;
  /** Mounts that found no place so far. */
  refused(): number;
}

/** Mounts are read again after so long where somebody ran meanwhile, and where nobody did. */
const refreshMs = 60_000;
const idleRefreshMs = 300_000;
/** There was no process to read them by. */
const desertedMs = 5000;
/** What was seen waits so long for a process by which the mounts can be known. */
const patienceMs = 60_000;
const maxPending = 256;
/** So that not all are read again at the same time. */
const spreadMs = 1000;
const spreads = 16;

/** Which mounts of containers are shown, and the space on them. */
export function volumeModel(deps: VolumeModelDeps): VolumeModel {
  const { containers, sightings, views, spots, names, all, nowMs } = deps;
  const known = new Map<Container, Volumes>();
  let refused = 0;
  let made = 0;

  const of = (container: Container): Volumes => {
    let volumes = known.get(container);
    if (volumes === undefined) known.set(container, (volumes = new Volumes(container)));
    return volumes;
  };

  /** What was seen of a container that turned out to be another belongs there; what is forgotten goes. */
  const tidy = (living: ReadonlySet<Container>): void => {
    handOver(known, living, (successor, volumes, container) => {
      of(successor).takeOver(volumes);
      // What is settled is so under a name that nobody will ask for again.
      for (const device of volumes.devices()) sightings.unsettle(container, device);
    });
  };

  const isDue = (container: ListedContainer): boolean => {
    if (container.topCgroups.length === 0) return false;
    if (all && nowMs() >= of(container).dueMs) return true;
    const volumes = known.get(container);
    if (volumes === undefined) return false;
    if (volumes.pending.length > 0) return true;
    const isIdle = volumes.runs === container.activity.runs && volumes.process !== undefined;
    const waits = isIdle ? idleRefreshMs - refreshMs : 0;
    return nowMs() >= volumes.dueMs + waits;
  };

  const refresh = (container: ListedContainer, view: View | undefined): void => {
    const volumes = of(container);
    volumes.runs = container.activity.runs;
    volumes.dueMs = nowMs() + (view === undefined ? desertedMs : refreshMs + (made++ % spreads) * spreadMs);
    if (view === undefined) volumes.process = undefined;
    else for (const device of volumes.keepUp(view)) sightings.unsettle(container, device);
  };

  return {
    refused: () => refused,
    *volumes() {
      for (const container of containers.all()) {
        const volumes = known.get(container);
        if (volumes !== undefined && volumes.size > 0) yield [container, volumes];
      }
    },
    async update() {
      const seen = await sightings.look();
      const listed = [...containers.all()];
      tidy(new Set(listed));
      const due = listed.filter((container) => seen.has(container) || isDue(container));
      let nameOf: Awaited<ReturnType<typeof names>> | undefined;
      for (let start = 0; start < due.length; start += containersAtOnce) {
        const some = due.slice(start, start + containersAtOnce);
        const found = await views(some);
        for (const [i, container] of some.entries()) {
          const view = found[i];
          refresh(container, view);
          const volumes = of(container);
          const own = [...volumes.pending, ...(seen.get(container) ?? [])];
          const devices = new Set(own.map(({ device }) => device).filter((device) => device !== undefined));
          const mounts = view && new Set(all ? view.mounts : await mountsOf(view, own, spots, container.id));
          const fresh = [...(mounts ?? [])].filter((mount) => !volumes.has(mount));
          if (fresh.length > 0) nameOf ??= await names();
          const isKnown = view !== undefined && (fresh.length === 0 || nameOf !== undefined);
          if (volumes.pending.length === 0) volumes.pendingSinceMs = nowMs();
          const isOver = isKnown || nowMs() - volumes.pendingSinceMs >= patienceMs;
          volumes.pending = isOver ? [] : own.slice(-maxPending);
          if (!isKnown) {
            if (view !== undefined) volumes.dueMs = nowMs() + desertedMs;
            // Whoever goes on is told again.
            if (isOver || own.length > maxPending)
              for (const device of devices) sightings.unsettle(container, device);
            continue;
          }
          for (const mount of fresh) if (!volumes.add(mount, nameOf!(mount))) refused++;
          for (const device of devices)
            if (volumes.settle(view.mounts, device)) sightings.settle(container, device);
        }
      }
      await updateSpace(listed, known, { views, spots, refresh });
    },
  };
}
