import { stat } from 'node:fs/promises';
import { readText } from '../../host/files.ts';
import { AgentError, codeOf, messageOf } from '../../errors.ts';
import { textOf, type Inspect, type Inspection } from './inspection.ts';

/** Thousands of containers. */
const maxBytes = 16 << 20;
const storage = '/var/lib/containers/storage/overlay-containers/';
/** The second has those that are removed when they end. */
const lists = ['containers.json', 'volatile-containers.json'];

interface List {
  readonly version: string;
  readonly containers: ReadonlyMap<string, Inspection>;
}

/** podman of root, which need not run, by the lists of its storage (containers/storage: containers.go). */
export function podmanInspect(root: string): Inspect {
  const known = new Map<string, List>();
  let reading: Promise<readonly List[]> | undefined;
  /** A list is written anew for every container that comes and goes: read once for each version of it, for all who ask. */
  const read = async (path: string): Promise<List | undefined> => {
    try {
      const { mtimeNs, ino } = await stat(path, { bigint: true });
      const version = `${ino} ${mtimeNs}`;
      const before = known.get(path);
      if (before?.version === version) return before;
      const list = { version, containers: parse(await readText(path, maxBytes)) };
      known.set(path, list);
      return list;
    } catch (cause) {
      const code = cause instanceof SyntaxError ? 'EBADMSG' : codeOf(cause);
      if (code === 'ENOENT') return undefined;
      throw new AgentError(code, `${path}: ${messageOf(cause)}`, { path, cause });
    }
  };
  const readAll = async (): Promise<readonly List[]> => {
    const all = await Promise.all(lists.map((name) => read(root + storage + name)));
    const present = all.filter((list) => list !== undefined);
    if (present.length === 0) throw new AgentError('ENOENT', `${root}${storage}: no containers of podman`);
    return present;
  };
  return async (id) => {
    reading ??= readAll().finally(() => (reading = undefined));
    for (const { containers } of await reading) {
      const found = containers.get(id);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function parse(text: string): Map<string, Inspection> {
  const found = new Map<string, Inspection>();
  const containers = JSON.parse(text) as unknown;
  for (const container of Array.isArray(containers) ? (containers as unknown[]) : []) {
    const { id, names, metadata } = (container ?? {}) as {
      id?: unknown;
      names?: unknown;
      metadata?: unknown;
    };
    const [name] = Array.isArray(names) ? (names as unknown[]) : [];
    const inspection = { name: textOf(name), labels: {}, image: imageOf(metadata), environment: [] };
    if (typeof id === 'string') found.set(id, inspection);
  }
  return found;
}

function imageOf(metadata: unknown): string {
  try {
    return textOf((JSON.parse(textOf(metadata)) as Record<string, unknown>)['image-name']);
  } catch {
    return '';
  }
}
