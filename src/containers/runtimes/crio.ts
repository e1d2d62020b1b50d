import { existsSync } from 'node:fs';
import { getJson } from './http.ts';
import { logFileOf, stringsOf, textOf, type Inspect } from './inspection.ts';

const sockets = ['/var/run/crio/crio.sock', '/run/crio/crio.sock'];

/** CRI-O by its inspection endpoint, GET /containers/<id> (cri-o: server/inspect.go). */
export function crioInspect(root: string): Inspect {
  return async (id, signal) => {
    const socket = sockets.map((path) => root + path).find(existsSync) ?? root + sockets[1]!;
    const answer = await getJson(socket, `/containers/${id}`, signal);
    if (answer === undefined) return undefined;
    const { name, image, labels, log_path } = answer as Partial<
      Record<'name' | 'image' | 'labels' | 'log_path', unknown>
    >;
    return {
      name: textOf(name),
      labels: stringsOf(labels),
      image: textOf(image),
      environment: [],
      ...logFileOf(log_path, 'cri'),
    };
  };
}
