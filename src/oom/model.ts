import { valueOf } from '../host/statistics.ts';
import type { TextReader } from '../host/texts.ts';
import type { Controllers } from '../kernel/controllers.ts';
import type { Container, ContainerDirectory, ContainerList, ListedContainer } from '../model/containers.ts';
import { growing, type Growth } from './growth.ts';

export interface OomModelDeps {
  readonly containers: ContainerDirectory & ContainerList;
  readonly controllers: Controllers;
  readonly read: TextReader;
  /** On the monotonic clock. */
  readonly nowMs: () => number;
  /** Whether the kernel tells of kills: the cgroups are then asked once a minute only. */
  readonly isTold: () => boolean;
}

export interface OomModel {
  /** Cgroups of processes that the kernel has told of; 0 is unknown. */
  onKills(cgroupIds: readonly number[]): void;
  /** Looks at what the cgroups say. */
  update(): Promise<void>;
  /** Kills so far, of every container that had one. */
  kills(): Iterable<readonly [Container, number]>;
  /** Kills that found no container. */
  unattributed(): number;
}

interface Kills {
  /** As the kernel told them. */
  told: number;
  /** As the cgroups of the container say, less those of containers inside it. */
  counted: number;
  readonly growth: Growth;
  /** The container whose cgroup holds that of this one. */
  within: Kills | undefined;
  /** Kills in containers inside this one that are gone. */
  inGone: number;
  /** What the container around this one has in `inGone` of it. */
  handedOver: number;
}

/** A cgroup of which nobody has heard may yet turn up. */
const patienceMs = 60_000;
const maxPending = 1024;
const askedAgainMs = 60_000;

/**
 * OOM kills by container: what the kernel told or what the cgroups say, whichever is more. The kernel may leave out an event;
 * the cgroups forget what happened in those that are gone.
 */
export function oomModel({ containers, controllers, read, nowMs, isTold }: OomModelDeps): OomModel {
  const byContainer = new Map<Container, Kills>();
  const pending = new Map<number, { count: number; readonly sinceMs: number }>();
  let unattributed = 0;
  let askedMs = -Infinity;

  const of = (container: Container): Kills => {
    let kills = byContainer.get(container);
    if (kills === undefined) {
      kills = { told: 0, counted: 0, growth: growing(), within: undefined, inGone: 0, handedOver: 0 };
      byContainer.set(container, kills);
    }
    return kills;
  };

  const attribute = (): void => {
    for (const [cgroupId, { count, sinceMs }] of pending) {
      const container = containers.byCgroup(cgroupId);
      if (container !== undefined) of(container).told += count;
      else if (nowMs() - sinceMs < patienceMs) continue;
      else unattributed += count;
      pending.delete(cgroupId);
    }
  };

  /** What was told of a container that turned out to be another belongs there; what is forgotten goes. */
  const tidy = (): void => {
    const known = new Set<Container>(containers.all());
    for (const [container, kills] of byContainer) {
      if (container.successor !== undefined) of(container.successor).told += kills.told;
      if (!known.has(container)) byContainer.delete(container);
    }
  };

  /** v1: the kills in each cgroup by itself. */
  const countV1 = async (living: readonly ListedContainer[], root: string): Promise<void> => {
    const all = living.flatMap((container) =>
      [...container.cgroups].map((cgroup) => ({ container, ...cgroup })),
    );
    const texts = await read(all.map(({ path }) => `${root}${path}/memory.oom_control`));
    for (const [i, { container, id }] of all.entries()) {
      const kills = of(container);
      kills.counted += kills.growth.of(id, killsIn(texts[i]), container.wasThere);
    }
  };

  /** v2: the kills in the topmost cgroups and all below them, less those of containers inside. */
  const countV2 = async (living: readonly ListedContainer[], root: string): Promise<void> => {
    const tops = living.flatMap((container) =>
      container.topCgroups.map((cgroup) => ({ container, ...cgroup })),
    );
    // Outer ones are read first: what happens meanwhile is then missing for them until the next time, not counted twice.
    tops.sort((a, b) => (`${a.path}/` < `${b.path}/` ? -1 : 1));
    const texts = await read(tops.map(({ path }) => `${root}${path}/memory.events`));
    const outer: { path: string; kills: Kills }[] = [];
    for (const [i, { container, id, path }] of tops.entries()) {
      const kills = of(container);
      kills.growth.of(id, killsIn(texts[i]), container.wasThere);
      while (outer.length > 0 && !path.startsWith(`${outer.at(-1)!.path}/`)) outer.pop();
      kills.within = outer.at(-1)?.kills;
      outer.push({ path, kills });
    }
    const inside = new Map<Kills, number>();
    for (const container of living) {
      const { within, growth, handedOver } = of(container);
      if (within !== undefined)
        inside.set(within, (inside.get(within) ?? 0) + Math.max(growth.total - handedOver, 0));
    }
    const present = new Set(living.map((container) => of(container)));
    for (const kills of byContainer.values()) {
      if (present.has(kills) || kills.within === undefined) continue;
      const all = Math.max(kills.told, kills.growth.total, kills.handedOver);
      kills.within.inGone += all - kills.handedOver;
      kills.handedOver = all;
      kills.within = undefined;
    }
    for (const kills of present)
      kills.counted = Math.max(kills.counted, kills.growth.total - (inside.get(kills) ?? 0) - kills.inGone);
  };

  return {
    onKills(cgroupIds) {
      for (const cgroupId of cgroupIds) {
        const known = pending.get(cgroupId);
        if (cgroupId === 0 || (known === undefined && pending.size >= maxPending)) unattributed++;
        else if (known === undefined) pending.set(cgroupId, { count: 1, sinceMs: nowMs() });
        else known.count++;
      }
    },
    async update() {
      attribute();
      tidy();
      if (isTold() && nowMs() - askedMs < askedAgainMs) return;
      askedMs = nowMs();
      const living = [...containers.all()].filter(({ topCgroups }) => topCgroups.length > 0);
      if (controllers.v1.memory !== undefined) await countV1(living, controllers.v1.memory);
      else if (controllers.v2 !== undefined) await countV2(living, controllers.v2);
      for (const container of containers.all())
        byContainer.get(container)?.growth.keep([...container.cgroups].map(({ id }) => id));
    },
    *kills() {
      for (const [container, { told, counted }] of byContainer) {
        const count = Math.max(told, counted);
        if (count > 0) yield [container, count];
      }
    },
    unattributed: () => unattributed,
  };
}

/** memory.events and memory.oom_control have the same line (since Linux 4.13). */
function killsIn(text: string | undefined): number | undefined {
  return text === undefined ? undefined : valueOf(text, 'oom_kill');
}
