import { constants, open } from 'node:fs/promises';
import { AgentError, codeOf, messageOf } from '../../errors.ts';
import { O_PATH, withHandle } from '../../host/files.ts';
import { publishedPorts } from './docker-ports.ts';
import { getJson } from './http.ts';
import { logFileOf, stringsOf, textOf, type Inspect } from './inspection.ts';

/** A user's socket may answer anything, and as often as it is asked; labels of one container are far smaller. */
const maxBytesOfUser = 256 << 10;

/** dockerd by its Engine API (docs.docker.com/reference/api/engine, GET /containers/{id}/json). */
export function dockerInspect(root: string): Inspect {
  return async (id, signal, user) => {
    const path = `/containers/${id}/json`;
    const answer = await (user === undefined
      ? getJson(`${root}/run/docker.sock`, path, signal)
      : getJsonOfUser(`${root}/run/user/${user}/docker.sock`, path, signal));
    if (answer === undefined) return undefined;
    const { Name, Config, HostConfig, LogPath, NetworkSettings } = answer as {
      Name?: unknown;
      LogPath?: unknown;
      HostConfig?: { LogConfig?: { Type?: unknown } | null } | null;
      Config?: Record<string, unknown>;
      NetworkSettings?: Record<string, unknown>;
    };
    // A user's dockerd could claim any port of the host; those that it does pass on are listened on by a process of the user. Any file likewise.
    const keepsFile = user === undefined && HostConfig?.LogConfig?.Type === 'json-file';
    const published = user === undefined ? publishedPorts(NetworkSettings?.['Ports']) : [];
    return {
      name: textOf(Name).replace(/^\//, ''),
      labels: stringsOf(Config?.['Labels']),
      image: textOf(Config?.['Image']),
      environment: Object.values(stringsOf(Config?.['Env'])),
      ...(published.length > 0 && { published }),
      ...(keepsFile && logFileOf(LogPath, 'docker')),
    };
  };
}

/** What is at a place that is not root's is looked at before anybody connects: a path that leads elsewhere may hang. */
async function getJsonOfUser(socket: string, path: string, signal: AbortSignal): Promise<object | undefined> {
  const file = await open(socket, O_PATH | constants.O_NOFOLLOW).catch((cause: unknown) => {
    throw new AgentError(codeOf(cause), `${socket}: ${messageOf(cause)}`, { path: socket, cause });
  });
  return withHandle(file, async ({ fd }) => {
    if (!(await file.stat()).isSocket()) throw new AgentError('ENOTSOCK', `${socket}: no socket`);
    return getJson(`/proc/self/fd/${fd}`, path, signal, maxBytesOfUser);
  });
}
