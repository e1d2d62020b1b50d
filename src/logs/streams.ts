import { basename, dirname, join } from 'node:path';
import type { ListedContainer, LogFile } from '../model/containers.ts';
import type { Desk, Open } from './desk.ts';
import type { HostOpener } from './opener.ts';

/** A file that a container writes to itself. */
export interface OwnFile {
  /** From the root directory of its process; the label `source`. */
  readonly path: string;
  /** As the agent sees its directory. */
  readonly directory: string;
  readonly open: Open;
}

/** Which streams are read, by the id of their container: several objects may have one while systemd is asked for a unit. */
export interface Streams {
  /** Goes through all containers: who is new, who has another file, who has gone or does not want to be read any more. */
  look(): void;
  /** The same for one. */
  lookAt(container: ListedContainer): void;
  /** All that are open now, of those that were looked for; what is followed stays so. */
  followFiles(container: ListedContainer, files: readonly OwnFile[]): void;
  /** The group of a source of a container; undefined where it is not to be read. */
  groupOf(container: ListedContainer, source: string): string | undefined;
  /** Files that found no place. */
  readonly refused: number;
}

export interface StreamsDeps {
  readonly containers: { all(): Iterable<ListedContainer> };
  readonly desk: Pick<Desk, 'follow' | 'leave'>;
  /** Root directory of the host, as the agent sees it. */
  readonly root: string;
  readonly openHost: HostOpener;
  /** `of`: whoever has the id by now. */
  readonly onGroup: (name: string, source: string, of: () => ListedContainer) => void;
  readonly onForget: (groups: Iterable<string>) => void;
}

/** Label `source` of what containers write to their outputs. */
const outputs = 'stdout/stderr';
/** Files of one container that it writes to itself, and that are followed; and such that are not any more. */
const [maxWritten, maxLeft] = [64, 1024];

interface Own {
  container: ListedContainer;
  /** As the runtime told them last. */
  files: readonly LogFile[];
  /** Ids of streams, by path. */
  readonly outputs: Map<string, string>;
  readonly written: Map<string, string>;
  /** Paths of those that had to make room. */
  readonly left: Set<string>;
  readonly groups: Set<string>;
}

const noFiles: readonly LogFile[] = [];
/** Whether the container wants to be read. */
export const wants = ({ switchedOff }: ListedContainer): boolean => switchedOff?.has('logs') !== true;

export function streams({ containers, desk, root, openHost, onGroup, onForget }: StreamsDeps): Streams {
  const byId = new Map<string, Own>();
  let refused = 0;

  const ownOf = (container: ListedContainer): Own => {
    let own = byId.get(container.id);
    if (own === undefined) {
      const none = { outputs: new Map<string, string>(), written: new Map<string, string>() };
      own = { container, files: noFiles, ...none, left: new Set(), groups: new Set() };
      byId.set(container.id, own);
    }
    return own;
  };
  const groupOf = (own: Own, source: string): string => {
    const name = `${own.container.id}\n${source}`;
    if (!own.groups.has(name)) {
      own.groups.add(name);
      onGroup(name, source, () => own.container);
    }
    return name;
  };
  const leaveAll = (all: Map<string, string>): void => {
    for (const id of all.values()) desk.leave(id);
    all.clear();
  };
  const follow = (own: Own): void => {
    const { container } = own;
    const isWanted = wants(container);
    if (!isWanted) leaveAll(own.written);
    const files = (isWanted && container.logFiles) || noFiles;
    if (own.files === files) return;
    own.files = files;
    for (const { path, format } of files) {
      if (own.outputs.has(path)) continue;
      const id = `${container.id}\n${path}`;
      own.outputs.set(path, id);
      const place = { directory: root + dirname(path), name: basename(path) };
      desk.follow(
        {
          id,
          group: groupOf(own, outputs),
          kind: format,
          isNew: !container.wasThere,
          isAgain: false,
          ...place,
        },
        (name) => openHost(join(dirname(path), name)),
      );
    }
    const paths = new Set(files.map(({ path }) => path));
    for (const [path, id] of own.outputs)
      if (!paths.has(path)) {
        own.outputs.delete(path);
        desk.leave(id);
      }
  };
  /** Makes room for a file, in place of one that is not open. */
  const makeRoom = (own: Own, open: ReadonlySet<string>): boolean => {
    if (own.written.size < maxWritten) return true;
    for (const [path, id] of own.written) {
      if (open.has(path)) continue;
      own.written.delete(path);
      if (own.left.size >= maxLeft) own.left.clear();
      own.left.add(path);
      desk.leave(id);
      return true;
    }
    return false;
  };

  return {
    look() {
      const alive = new Map<string, ListedContainer>();
      for (const container of containers.all()) {
        const other = alive.get(container.id);
        if (other === undefined || rankOf(container) >= rankOf(other)) alive.set(container.id, container);
      }
      for (const container of alive.values()) {
        if (!byId.has(container.id) && (container.logFiles ?? noFiles).length === 0) continue;
        const own = ownOf(container);
        own.container = container;
        follow(own);
      }
      for (const [id, own] of byId)
        if (!alive.has(id)) {
          byId.delete(id);
          leaveAll(own.written);
          leaveAll(own.outputs);
          onForget(own.groups);
        }
    },
    lookAt(container) {
      const own = ownOf(container);
      own.container = container;
      follow(own);
    },
    followFiles(container, files) {
      if (files.length === 0 || !wants(container)) return;
      const own = ownOf(container);
      const open = new Set(files.map(({ path }) => path));
      for (const { path, directory, open: opens } of files) {
        if (own.written.has(path)) continue;
        if (!makeRoom(own, open)) {
          refused++;
          continue;
        }
        const id = `${container.id}\n${path}`;
        own.written.set(path, id);
        const [isNew, isAgain] = [!container.wasThere, own.left.delete(path)];
        const place = { directory, name: basename(path) };
        desk.follow({ id, group: groupOf(own, path), kind: 'file', isNew, isAgain, ...place }, opens);
      }
    },
    groupOf: (container, source) => (wants(container) ? groupOf(ownOf(container), source) : undefined),
    get refused() {
      return refused;
    },
  };
}

/** One whose files are known, else one that is shown. */
function rankOf({ logFiles = noFiles, visible }: ListedContainer): number {
  return logFiles.length > 0 ? 2 : visible ? 1 : 0;
}
