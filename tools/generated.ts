import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes a generated file of the repository; with `--check` compares instead and fails when it is stale. */
export function emit(path: string, text: string): void {
  const file = join(import.meta.dirname, '..', path);
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
    return;
  }
  let current = '';
  try {
    current = readFileSync(file, 'utf8');
  } catch {
    // A missing file is a stale one.
  }
  if (current !== text) {
    console.error(`${path} is stale: run \`npm run generate\` and commit it`);
    process.exitCode = 1;
  }
}
