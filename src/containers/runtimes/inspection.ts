import { isAbsolute } from 'node:path';
import type { LogFile, PublishedPort } from '../../model/containers.ts';

/** What a runtime says of one of its containers. All of it is somebody else's text. */
export interface Inspection {
  /** Without a leading slash; empty where the runtime has no names of its own. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As it is written in the configuration of the container; may be empty. */
  readonly image: string;
  /** `NAME=value` each. */
  readonly environment: readonly string[];
  /** Left out where it says of none. */
  readonly published?: readonly PublishedPort[];
  /** Left out where it keeps none. */
  readonly logFile?: LogFile;
}

/** Runtimes that can be asked by the id of a container. */
export type RuntimeName = 'docker' | 'containerd' | 'crio' | 'podman';

/**
 * Asks a runtime for a container, root's or that of a user (by number). `undefined`: it does not know the id. Rejects with an AgentError when it cannot be asked,
 * does not answer in time or answers what makes no sense.
 */
export type Inspect = (id: string, signal: AbortSignal, user?: number) => Promise<Inspection | undefined>;

/** The strings among the values of somebody else's object. */
export function stringsOf(value: unknown): Record<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** PATH_MAX (limits.h). */
const maxPathLength = 4096;

/** The file at a path that a runtime told, if it is one. */
export function logFileOf(path: unknown, format: LogFile['format']): { logFile?: LogFile } {
  const isPath = typeof path === 'string' && isAbsolute(path) && path.length < maxPathLength;
  return isPath && !path.includes('\0') && !path.split('/').includes('..')
    ? { logFile: { path, format } }
    : {};
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
