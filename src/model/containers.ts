import type { Attributes } from '@opentelemetry/api';

/** What a container may ask not to be done with it, by the environment of its processes. */
export type Switch = 'logs' | 'traces' | 'profiles';

/** A TCP port of the host that a runtime passes on to a container. */
export interface PublishedPort {
  /** IP address of the host; `0.0.0.0` or `::` stands for all of that family. */
  readonly address: string;
  readonly port: number;
}

/** A file that a runtime keeps of what a container writes to its standard output and error. */
export interface LogFile {
  /** From the root of the host. */
  readonly path: string;
  /** docker's json-file, or that of the Container Runtime Interface. */
  readonly format: 'docker' | 'cri';
}

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
  /** What is not to be done with it; nothing where it is left out. */
  readonly switchedOff?: ReadonlySet<Switch>;
  /** By dockerd; nothing where it is left out. */
  readonly published?: readonly PublishedPort[];
  /** Of it and of those that ran under its id before, the newest last; nothing where it is left out. */
  readonly logFiles?: readonly LogFile[];
}

/** Looks up by kernel cgroup id (inode of the cgroup's directory) on the hierarchy that counts. */
export interface ContainerDirectory {
  /** `undefined`: the cgroup maps to no container. Cgroups that are gone keep their answer for ten minutes. */
  byCgroup(cgroupId: number): Container | undefined;
}

/** What it knows of the cgroups themselves. */
export interface CgroupDirectory {
  /** The topmost cgroup of the same container that it lies in, itself or another, also when they are gone. */
  topOf(cgroupId: number): number | undefined;
  /** False once it is gone, and of one that nobody has seen. */
  exists(cgroupId: number): boolean;
}

export interface Cgroup {
  /** Inode of its directory; never used again. */
  readonly id: number;
  /** From the root of the hierarchy that counts. */
  readonly path: string;
}

/** A container and where its figures are. */
export interface ListedContainer extends Container {
  /** All its cgroups that exist; none once it has ended. */
  readonly cgroups: Iterable<Cgroup>;
  /** Those that lie in no other: usually one. More where several run under one id, such as jobs that overlap. */
  readonly topCgroups: readonly Cgroup[];
  /** `runs` changes when it is seen to have used CPU: whoever sees it counts, whoever wants to know compares. */
  readonly activity: { runs: number };
  /** It was there before the agent: what its cgroup has counted by then is not new. */
  readonly wasThere: boolean;
}

/** Who exists. */
export interface ContainerList {
  /** Every container that is known, those that ended within the last ten minutes included. */
  all(): Iterable<ListedContainer>;
}
