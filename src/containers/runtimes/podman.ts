import { open, type FileHandle } from 'node:fs/promises';
import { AgentError, codeOf, messageOf } from '../../errors.ts';
import { O_PATH, openBelow, readRegular, readText, withHandle } from '../../host/files.ts';
import { textOf, type Inspect, type Inspection } from './inspection.ts';

/** Of lists that are read and kept. */
interface Limits {
  readonly bytes: number;
  /** Containers of one list; those that come later are not known. */
  readonly containers: number;
  /** Lists kept: two for each storage. */
  readonly lists: number;
}

/** Thousands of containers. */
const limitsOfRoot: Limits = { bytes: 16 << 20, containers: Infinity, lists: 2 };
/** Hundreds of containers: anybody may write what takes long to read and much room to keep. */
const limitsOfUsers: Limits = { bytes: 512 << 10, containers: 1000, lists: 16 };

const rootStorage = '/var/lib/containers/storage/overlay-containers/';
/** Below the home directory. */
const userStorage = ['.local', 'share', 'containers', 'storage', 'overlay-containers'];
/** The second has those that are removed when they end. */
const lists = ['containers.json', 'volatile-containers.json'];

/** Where lists are. */
interface Storage {
  readonly path: string;
  /** Opens one of the lists with O_PATH. */
  open(name: string): Promise<FileHandle>;
}

interface List {
  readonly version: string;
  readonly containers: ReadonlyMap<string, Inspection>;
}

/** podman, which need not run, by the lists of its storage (containers/storage: containers.go). */
export function podmanInspect(root: string): Inspect {
  const ofRoot = listReader(limitsOfRoot);
  const ofUsers = listReader(limitsOfUsers);
  let turn: Promise<unknown> = Promise.resolve();
  return async (id, _, user) => {
    if (user === undefined) return inFirst(await ofRoot(storageOfRoot(root)), id);
    // One after the other: a home directory that hangs costs one thread, whoever asks.
    const lists = turn.then(async () => ofUsers(await storageOfUser(root, user)));
    turn = lists.catch(() => {});
    return inFirst(await lists, id);
  };
}

function storageOfRoot(root: string): Storage {
  const path = root + rootStorage;
  return { path, open: (name) => open(path + name, O_PATH) };
}

/** Below the home directory that passwd(5) tells. What lies there is the user's, who may have put links to what only root can read. */
async function storageOfUser(root: string, user: number): Promise<Storage> {
  const lines = (await readText(`${root}/etc/passwd`)).split('\n').map((line) => line.split(':'));
  const home = lines.find(([, , uid]) => uid === String(user))?.[5];
  if (home === undefined || !home.startsWith('/'))
    throw new AgentError('ENOENT', `user ${user}: no home directory`);
  const path = `${root}${home}/${userStorage.join('/')}/`;
  return { path, open: (name) => openBelow(root + home, [...userStorage, name]) };
}

/** Reads the lists of a storage, each once for every version of it, for all who ask. */
function listReader(limits: Limits): (storage: Storage) => Promise<readonly List[]> {
  const known = new Map<string, List>();
  const reading = new Map<string, Promise<readonly List[]>>();
  const readOpened = async (path: string, file: FileHandle): Promise<List> => {
    const { mtimeNs, ino } = await file.stat({ bigint: true });
    const version = `${ino} ${mtimeNs}`;
    const before = known.get(path);
    if (before?.version === version) return before;
    const list = { version, containers: parse(await readRegular(file, limits.bytes), limits.containers) };
    known.set(path, list);
    for (const oldest of [...known.keys()].slice(0, -limits.lists)) known.delete(oldest);
    return list;
  };
  const read = async (storage: Storage, name: string): Promise<List | undefined> => {
    const path = storage.path + name;
    try {
      return await withHandle(await storage.open(name), (file) => readOpened(path, file));
    } catch (cause) {
      // The engine's message has the beginning of the text in it.
      if (cause instanceof SyntaxError) throw new AgentError('EBADMSG', `${path}: no JSON`, { path });
      if (codeOf(cause) === 'ENOENT') return undefined;
      throw new AgentError(codeOf(cause), `${path}: ${messageOf(cause)}`, { path, cause });
    }
  };
  const readAll = async (storage: Storage): Promise<readonly List[]> => {
    const present: List[] = [];
    for (const name of lists) {
      const list = await read(storage, name);
      if (list !== undefined) present.push(list);
    }
    if (present.length === 0) throw new AgentError('ENOENT', `${storage.path}: no containers of podman`);
    return present;
  };
  return (storage) => {
    const { path } = storage;
    const running = reading.get(path) ?? readAll(storage).finally(() => reading.delete(path));
    reading.set(path, running);
    return running;
  };
}

function inFirst(lists: readonly List[], id: string): Inspection | undefined {
  return lists.map(({ containers }) => containers.get(id)).find((found) => found !== undefined);
}

function parse(text: string, maxContainers: number): Map<string, Inspection> {
  const found = new Map<string, Inspection>();
  const containers = JSON.parse(text) as unknown;
  for (const container of Array.isArray(containers) ? (containers as unknown[]) : []) {
    if (found.size >= maxContainers) break;
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
