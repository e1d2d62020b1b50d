/** Runs every benchmark of test/bench, one after the other; fails when one is over its budget. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

for (const file of globSync(join(import.meta.dirname, '../test/bench/*.bench.ts')).sort()) {
  const { status } = spawnSync(process.execPath, ['--expose-gc', '--max-semi-space-size=1', file], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
