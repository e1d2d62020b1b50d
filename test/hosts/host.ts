import { mkdtemp, readFile, cp, writeFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { HostPaths } from '../../src/host/paths.ts';

/** Captured machines: what an agent reads of procfs, sysfs, the root directory and cgroupfs, as plain files. */
export const hosts = ['systemd-v2', 'docker-v1', 'kubernetes-v2', 'hybrid', 'bare'] as const;
export type HostName = (typeof hosts)[number];

export interface CapturedHost extends HostPaths {
  /** Folder of a copy that the test may change. */
  readonly folder: string;
}

/**
 * A copy of a captured machine, removed after the test. The root directory is also reachable as /proc/1/root, so that the agent finds it where it looks for a real one.
 */
export async function capturedHost(t: TestContext, name: HostName): Promise<CapturedHost> {
  const folder = await mkdtemp(join(tmpdir(), `host-${name}-`));
  t.after(() => rm(folder, { recursive: true }));
  await cp(join(import.meta.dirname, name), folder, { recursive: true });
  const root = join(folder, 'proc/1/root');
  await cp(join(folder, 'root'), root, { recursive: true }).catch(() => {});
  const cgroup = join(folder, 'cgroup');
  const mountinfo = join(folder, 'proc/self/mountinfo');
  await readFile(mountinfo, 'utf8').then(
    (text) => writeFile(mountinfo, text.replaceAll('@CGROUP@', cgroup)),
    () => {},
  );
  return { folder, proc: join(folder, 'proc'), sys: join(folder, 'sys'), root, cgroup };
}
