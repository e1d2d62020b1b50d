/**
 * Runs Node with the addon built with AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer; any report ends
 * the process with an error. `tools/sanitize.ts [NODE-ARGUMENTS...]`, by default the tests of the addon.
 *
 * The tests find the build in `ADDON`. The sanitizers come with g++ (Debian: libasan8, libubsan1 of libgcc-12-dev).
 */
import { execFileSync, spawn } from 'node:child_process';
import { isAbsolute, join } from 'node:path';
import { buildAddon } from './build-addon.ts';

const root = join(import.meta.dirname, '..');

/** Node itself is not linked with the runtime of the sanitizers, which must come before everything else. */
function runtimeLibrary(): string {
  const name = 'libasan.so';
  const path = execFileSync(process.env['CXX'] ?? 'c++', [`-print-file-name=${name}`], { encoding: 'utf8' });
  if (!isAbsolute(path)) throw new Error(`${name} is missing: on Debian, apt-get install g++`);
  return path.trim();
}

async function main(given: readonly string[]): Promise<number> {
  const env = {
    ...process.env,
    ADDON: await buildAddon({ sanitize: true }),
    LD_PRELOAD: runtimeLibrary(),
    ASAN_OPTIONS: 'detect_leaks=1:intercept_tls_get_addr=0',
    LSAN_OPTIONS: `suppressions=${join(import.meta.dirname, 'sanitize.leaks')}:print_suppressions=0`,
    UBSAN_OPTIONS: 'print_stacktrace=1',
  };
  const args = given.length > 0 ? given : ['--test', '--test-concurrency=1', 'test/addon/*.test.ts'];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`sanitize: ${(error as Error).message}`);
  process.exitCode = 1;
}
