/** Compiles the C and eBPF programs of the tests into `TEST_BINARIES`, for machines without a compiler. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { compileBpf, compileC } from '../compile.ts';

const tests = join(import.meta.dirname, '..');
for (const file of globSync('**/*.c', { cwd: tests }))
  (file.endsWith('.bpf.c') ? compileBpf : compileC)(join(tests, file));
