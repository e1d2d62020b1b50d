import { readdirSync, statSync, type Stats } from 'node:fs';

/** Directories that are looked at; a node has some thousands. */
const maxDirectories = 100_000;
/** They do not change while we run. */
const roots = new Map<string, string>();

/**
 * Path from the root of a hierarchy to where our own cgroup namespace begins, empty where it is that of the host. The kernel tells
 * paths of cgroups as seen from there, what lies outside beginning with `/..` (cgroup_namespaces(7)).
 *
 * @param own A mount of the hierarchy that was made inside the namespace, as runtimes make it for containers.
 */
export function cgroupNamespaceRoot(mountPoint: string, own = '/sys/fs/cgroup'): string {
  const key = `${mountPoint}\n${own}`;
  let root = roots.get(key);
  if (root === undefined) roots.set(key, (root = find(mountPoint, own)));
  return root;
}

function find(mountPoint: string, own: string): string {
  const [whole, ours] = [stat(mountPoint), stat(own)];
  if (whole === undefined || ours === undefined) return '';
  if (ours.dev !== whole.dev || ours.ino === whole.ino) return '';
  const paths = [''];
  for (let at = 0; at < paths.length && paths.length < maxDirectories; at++)
    for (const name of directoriesIn(mountPoint + paths[at]!)) {
      const path = `${paths[at]!}/${name}`;
      if (stat(mountPoint + path)?.ino === ours.ino) return path;
      paths.push(path);
    }
  return '';
}

function stat(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** Cgroups come and go. */
function directoriesIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
