import { createHash } from 'node:crypto';
import { globSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import type { Part, Tier } from './parts.ts';

/** What every part depends on. */
const everywhere = ['src/**', 'config/**', 'tools/**', 'package-lock.json'];

/** A hash over all that the result of a part depends on; equal hashes need not run twice. */
export function fingerprint(part: Part, tier: Tier): string {
  const hash = createHash('sha256');
  const environment = part.env?.(tier) ?? {};
  hash.update(JSON.stringify([part.name, environment, part.ownKernel ? release() : '']));
  const exclude = ['node_modules/**', 'dist/**', 'build/**'];
  for (const file of globSync([...everywhere, ...part.inputs], { exclude }).sort()) {
    if (!statSync(file).isFile()) continue;
    hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}
