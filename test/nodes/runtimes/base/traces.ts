/** What is there of a node, seen from outside. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Processes and cgroups of a node, and mounts of this machine that its root needs. */
export function traces(name: string): readonly string[] {
  const processes = readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => cgroupsOf(pid).includes(name))
    .map((pid) => `process ${pid}`);
  const cgroups = readdirSync('/sys/fs/cgroup').flatMap((hierarchy) =>
    ['', '/docker', '/system.slice']
      .map((parent) => `/sys/fs/cgroup/${hierarchy}${parent}`)
      .filter(existsSync)
      .flatMap((parent) => readdirSync(parent).map((entry) => `${parent}/${entry}`))
      .filter((path) => path.includes(name)),
  );
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${name} `));
  return [...processes, ...cgroups, ...mounts];
}

/** Empty for a process that is dead but not yet waited for: it has no command line. */
function cgroupsOf(pid: string): string {
  try {
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8') === '') return '';
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch {
    return '';
  }
}
