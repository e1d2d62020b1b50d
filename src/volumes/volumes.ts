import type { Attributes } from '@opentelemetry/api';
import type { Mount } from '../kernel/mountinfo.ts';
import type { Container } from '../model/containers.ts';
import type { Names } from './names.ts';
import type { Sighting } from './sightings.ts';
import { placer, type Space } from './spots.ts';
import type { View } from './views.ts';

/** A mount of a container that is shown. */
export interface Volume {
  mount: Mount;
  readonly names: Names;
  /** Those of the container and its own. */
  readonly labels: Attributes;
  /** What it hangs with. */
  place: string;
  space: Space | undefined;
  /** Another mount lies over it, or the like: not looked at before the mounts are read again. */
  covered: boolean;
}

/** More mounts of one container are not shown. */
export const maxVolumes = 256;

/** Volumes of one container. A mount is known by its file system, the directory of it and the mount point. */
export class Volumes {
  readonly #container: Container;
  readonly #volumes = new Map<string, Volume>();
  /** The process by which the mounts were read. */
  process: Pick<View, 'pid' | 'startTicks'> | undefined;
  /** What was mounted of each device when somebody was last seen to write there. */
  readonly #layouts = new Map<string, string>();
  /** What was seen while there was no process to know the mounts by, and since when. */
  pending: readonly Sighting[] = [];
  pendingSinceMs = 0;
  /** Of `activity`, when the mounts were read. */
  runs = -1;
  #placeOf = placer([], '');
  /** They are read again then. */
  dueMs = -Infinity;

  constructor(container: Container) {
    this.#container = container;
  }

  get size(): number {
    return this.#volumes.size;
  }

  all(): Iterable<Volume> {
    return this.#volumes.values();
  }

  has(mount: Mount): boolean {
    return this.#volumes.has(keyOf(mount));
  }

  /** False: there is no place for it. */
  add(mount: Mount, names: Names): boolean {
    if (this.size >= maxVolumes) return false;
    const { device, volume } = names;
    const labels = { ...this.#container.labels, device, mount_point: mount.mountPoint, volume };
    this.#volumes.set(keyOf(mount), {
      mount,
      names,
      labels,
      place: this.#placeOf(mount),
      space: undefined,
      covered: false,
    });
    return true;
  }

  /** What is mounted now: others are gone. Answers devices that somebody writes to and on which something has changed. */
  keepUp({ pid, startTicks, mounts }: View): string[] {
    this.process = { pid, startTicks };
    this.#placeOf = placer(mounts, this.#container.id);
    // Of several that are the same the last one lies on top.
    const now = new Map(mounts.map((mount) => [keyOf(mount), mount]));
    for (const [key, volume] of this.#volumes) {
      const mount = now.get(key);
      if (mount === undefined) this.#volumes.delete(key);
      else Object.assign(volume, { mount, place: this.#placeOf(mount), covered: false });
    }
    const changed = [...this.#layouts].filter(([device, before]) => layoutOf(mounts, device) !== before);
    for (const [device] of changed) this.#layouts.delete(device);
    return changed.map(([device]) => device);
  }

  /** Those that somebody was seen to write to. */
  devices(): Iterable<string> {
    return this.#layouts.keys();
  }

  /** Somebody was seen to write there. True: nothing is mounted of the device that could be written to and is not known. */
  settle(mounts: readonly Mount[], device: string): boolean {
    this.#layouts.set(device, layoutOf(mounts, device));
    return mounts.every((mount) => mount.device !== device || mount.isReadOnly || this.has(mount));
  }

  /** Takes over what the container was seen to use under another name. */
  takeOver(other: Volumes): void {
    for (const { mount, names } of other.all()) this.add(mount, names);
    this.pending = [...this.pending, ...other.pending];
    this.pendingSinceMs = other.pendingSinceMs;
    this.dueMs = -Infinity;
  }
}

function keyOf({ device, root, mountPoint }: Mount): string {
  return `${device} ${root}\0${mountPoint}`;
}

function layoutOf(mounts: readonly Mount[], device: string): string {
  return mounts
    .filter((mount) => mount.device === device)
    .map((mount) => `${mount.id} ${mount.isReadOnly} ${keyOf(mount)}`)
    .join('\0');
}
