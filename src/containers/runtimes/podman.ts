import { stat } from 'node:fs/promises';
import { readText } from '../../host/files.ts';
import { AgentError, codeOf, messageOf } from '../../errors.ts';
import { textOf, type Inspect, type Inspection } from './inspection.ts';

/** Thousands of containers. */
const maxBytes = 16 << 20;
const list = '/var/lib/containers/storage/overlay-containers/containers.json';

/** podman of root, which need not run, by the list of its storage (containers/storage: containers.go). */
export function podmanInspect(root: string): Inspect {
  const path = root + list;
  let known: { readonly version: string; readonly containers: ReadonlyMap<string, Inspection> } | undefined;
  /** The list is written anew for every container that comes and goes: read once for each version of it. */
  const read = async (): Promise<ReadonlyMap<string, Inspection>> => {
    try {
      const { mtimeNs, ino } = await stat(path, { bigint: true });
      const version = `${ino} ${mtimeNs}`;
      if (known?.version !== version) known = { version, containers: parse(await readText(path, maxBytes)) };
      return known.containers;
    } catch (cause) {
      const code = cause instanceof SyntaxError ? 'EBADMSG' : codeOf(cause);
      throw new AgentError(code, `${path}: ${messageOf(cause)}`, { path, cause });
    }
  };
  return async (id) => (await read()).get(id);
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
