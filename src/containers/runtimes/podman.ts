import { stat } from 'node:fs/promises';
import { readRegularFile, readText } from '../../host/files.ts';
import { AgentError, codeOf, messageOf } from '../../errors.ts';
import { textOf, type Inspect, type Inspection } from './inspection.ts';

/** Thousands of containers. */
const maxBytes = 16 << 20;
/** Lists kept: two for each user. */
const maxKnown = 64;
const rootStorage = '/var/lib/containers/storage/overlay-containers/';
/** The second has those that are removed when they end. */
const lists = ['containers.json', 'volatile-containers.json'];

interface List {
  readonly version: string;
  readonly containers: ReadonlyMap<string, Inspection>;
}

/** podman, which need not run, by the lists of its storage (containers/storage: containers.go). */
export function podmanInspect(root: string): Inspect {
  const ofRoot = listReader(root);
  const ofUsers = listReader(root);
  let turn: Promise<unknown> = Promise.resolve();
  return async (id, _, user) => {
    if (user === undefined) return inFirst(await ofRoot(rootStorage), id);
    // One after the other: a home directory that hangs costs one thread, whoever asks.
    const lists = turn.then(async () => ofUsers(await userStorage(root, user)));
    turn = lists.catch(() => {});
    return inFirst(await lists, id);
  };
}

/** Reads the lists of a storage, each once for every version of it, for all who ask. */
function listReader(root: string): (storage: string) => Promise<readonly List[]> {
  const known = new Map<string, List>();
  const reading = new Map<string, Promise<readonly List[]>>();
  const read = async (path: string): Promise<List | undefined> => {
    try {
      const { mtimeNs, ino } = await stat(path, { bigint: true });
      const version = `${ino} ${mtimeNs}`;
      const before = known.get(path);
      if (before?.version === version) return before;
      const list = { version, containers: parse(await readRegularFile(path, maxBytes)) };
      known.set(path, list);
      for (const oldest of [...known.keys()].slice(0, -maxKnown)) known.delete(oldest);
      return list;
    } catch (cause) {
      const code = cause instanceof SyntaxError ? 'EBADMSG' : codeOf(cause);
      if (code === 'ENOENT') return undefined;
      throw new AgentError(code, `${path}: ${messageOf(cause)}`, { path, cause });
    }
  };
  const readAll = async (storage: string): Promise<readonly List[]> => {
    const present: List[] = [];
    for (const name of lists) {
      const list = await read(root + storage + name);
      if (list !== undefined) present.push(list);
    }
    if (present.length === 0) throw new AgentError('ENOENT', `${root}${storage}: no containers of podman`);
    return present;
  };
  return (storage) => {
    const running = reading.get(storage) ?? readAll(storage).finally(() => reading.delete(storage));
    reading.set(storage, running);
    return running;
  };
}

function inFirst(lists: readonly List[], id: string): Inspection | undefined {
  return lists.map(({ containers }) => containers.get(id)).find((found) => found !== undefined);
}

/** Below the home directory that passwd(5) tells. */
async function userStorage(root: string, user: number): Promise<string> {
  const lines = (await readText(`${root}/etc/passwd`)).split('\n').map((line) => line.split(':'));
  const home = lines.find(([, , uid]) => uid === String(user))?.[5];
  if (home === undefined || !home.startsWith('/'))
    throw new AgentError('ENOENT', `user ${user}: no home directory`);
  return `${home}/.local/share/containers/storage/overlay-containers/`;
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
