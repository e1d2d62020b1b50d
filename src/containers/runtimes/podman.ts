import { readText } from '../../host/files.ts';
import { textOf, type Inspect } from './inspection.ts';

/** Thousands of containers. */
const maxBytes = 16 << 20;
const list = '/var/lib/containers/storage/overlay-containers/containers.json';

/** podman of root, which need not run, by the list of its storage (containers/storage: containers.go). */
export function podmanInspect(root: string): Inspect {
  return async (id) => {
    const containers = JSON.parse(await readText(root + list, maxBytes)) as unknown;
    if (!Array.isArray(containers)) return undefined;
    const found = (containers as { id?: unknown; names?: unknown; metadata?: unknown }[]).find(
      (container) => container.id === id,
    );
    if (found === undefined) return undefined;
    const [name] = Array.isArray(found.names) ? (found.names as unknown[]) : [];
    return { name: textOf(name), labels: {}, image: imageOf(found.metadata), environment: [] };
  };
}

function imageOf(metadata: unknown): string {
  try {
    return textOf((JSON.parse(textOf(metadata)) as Record<string, unknown>)['image-name']);
  } catch {
    return '';
  }
}
