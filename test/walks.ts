import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAddon } from '../src/native/load.ts';
import { codeOf } from '../src/errors.ts';
import { compileBpf } from './compile.ts';

/**
 * Why this kernel runs no programs that walk over maps, though it knows them: some are built or guarded so. False where it runs them, and where
 * nothing can be tried. Our virtual machines are not guarded.
 */
export const refusesWalks: string | false = await tried();

async function tried(): Promise<string | false> {
  if (process.getuid?.() !== 0 || process.env['NODE_VM'] === 'true') return false;
  try {
    const object = loadAddon().openObject(
      readFileSync(compileBpf(join(import.meta.dirname, 'walk.bpf.c'))),
      'walk',
    );
    try {
      await object.load();
    } finally {
      object.close();
    }
    return false;
  } catch (error) {
    return codeOf(error) === 'EPERM' && 'this kernel refuses programs that walk over maps (EPERM)';
  }
}
