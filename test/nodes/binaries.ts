/** Compiles the C programs of the tests into `TEST_BINARIES`, for machines without a compiler. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { compileC } from '../compile.ts';

const tests = join(import.meta.dirname, '..');
for (const source of globSync('**/*.c', { cwd: tests, exclude: ['**/*.bpf.c'] })) compileC(join(tests, source));
