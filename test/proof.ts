/** What a test proves. The conformance tables count a proof only where the results say that the test passed. */
import { appendFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { TestContext } from 'node:test';

const root = join(import.meta.dirname, '..');

/** Folder of this run's evidence; undefined: nobody asks. */
const folder = process.env['TEST_EVIDENCE'];

/** Notes that `t`, if it passes, proves values of metric families (`node_info`) or the effect of options (`--listen`, `LISTEN`). */
export function proves(t: TestContext, ...subjects: readonly string[]): void {
  note('proofs', { file: relative(root, t.filePath ?? ''), name: t.fullName, subjects });
}

/** Adds one line of JSON to the evidence. Test files run in processes of their own: each has its own file. */
export function note(kind: string, line: unknown): void {
  if (folder !== undefined)
    appendFileSync(join(folder, `${kind}-${process.pid}.ndjson`), `${JSON.stringify(line)}\n`);
}
