import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A root directory of a host, for one test. */
export async function emptyRoot(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'systemd-'));
  t.after(() => rm(root, { recursive: true }));
  return root;
}
