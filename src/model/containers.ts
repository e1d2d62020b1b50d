import type { Attributes } from '@opentelemetry/api';

/** A container as every subject sees it. One object per container for as long as it is known. */
export interface Container {
  /** `container_id` label, by the formats of docs/metrics.md. */
  readonly id: string;
  /** Interned labels of the container: container_id and app_id. */
  readonly labels: Attributes;
  /** False while it is younger than --min-container-age: nothing about it may be shown. */
  readonly visible: boolean;
  /** The container that it turned out to be, once its runtime told the name: what was counted for it belongs there. */
  readonly successor?: Container | undefined;
}

/** Looks up by kernel cgroup id (inode of the cgroup's directory) on the hierarchy that counts. */
export interface ContainerDirectory {
  /** `undefined`: the cgroup maps to no container. Cgroups that are gone keep their answer for ten minutes. */
  byCgroup(cgroupId: number): Container | undefined;
}

/** A container and where its figures are. */
export interface ListedContainer extends Container {
  /**
   * Path of the cgroup that holds all others of the container, from the root of the hierarchy that counts; the youngest
   * of several. `undefined` once all are gone.
   */
  readonly cgroup: string | undefined;
  /** Paths of all its cgroups that exist. */
  readonly cgroups: Iterable<string>;
  /** `runs` changes when it is seen to have used CPU: whoever sees it counts, whoever wants to know compares. */
  readonly activity: { runs: number };
  /** When it was first seen or its oldest process began, on the monotonic clock. */
  readonly firstSeenMs: number;
}

/** Who exists. */
export interface ContainerList {
  /** Every container that is known, those that ended within the last ten minutes included. */
  all(): Iterable<ListedContainer>;
}
