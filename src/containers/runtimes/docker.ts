import { getJson } from './http.ts';
import { stringsOf, textOf, type Inspect } from './inspection.ts';

/** dockerd by its Engine API (docs.docker.com/reference/api/engine, GET /containers/{id}/json). */
export function dockerInspect(root: string): Inspect {
  return async (id, signal) => {
    const answer = await getJson(`${root}/run/docker.sock`, `/containers/${id}/json`, signal);
    if (answer === undefined) return undefined;
    const { Name, Config } = answer as { Name?: unknown; Config?: Record<string, unknown> };
    return {
      name: textOf(Name).replace(/^\//, ''),
      labels: stringsOf(Config?.['Labels']),
      image: textOf(Config?.['Image']),
      environment: Object.values(stringsOf(Config?.['Env'])),
    };
  };
}
