/** Small programs of the tests, C and eBPF: compiled once, statically, so that they run where no compiler is. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const include = join(root, 'ebpf');

interface Compiler {
  readonly command: string;
  readonly flags: readonly string[];
  /** What a source may include. */
  readonly included: readonly string[];
}
const c: Compiler = {
  command: 'cc',
  flags: ['-O2', '-Wall', '-Werror', '-static'],
  included: filesBelow(import.meta.dirname, '**/*.{c,h}'),
};
const bpf: Compiler = {
  command: 'clang',
  flags: ['-O2', '-g', '-Wall', '-Werror', '-target', 'bpf', '-c'],
  included: filesBelow(include, '**/*.h'),
};

/** Where the results are kept; `TEST_BINARIES` names the folder where somebody else has compiled them. */
const binaries =
  process.env['TEST_BINARIES'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'otel-node-agent/binaries');

/** Path of the static binary of a C file. A change of the file is another binary. Throws when it can be neither found nor compiled. */
export function compileC(source: string): string {
  return compile(c, source, []);
}

/** Path of the object of an eBPF program, which may include what the programs of the agent do. */
export function compileBpf(source: string): string {
  return compile(bpf, source, [`-I${include}`, `-I${join(root, 'build/libbpf/include')}`]);
}

/** The reason to skip what needs the binary of `source`, or false. */
export function withoutC(source: string): string | false {
  if (existsSync(resultOf(c, source)) || spawnSync(c.command, ['--version']).status === 0) return false;
  return `needs cc, or ${basename(resultOf(c, source))} in the folder TEST_BINARIES`;
}

function compile(compiler: Compiler, source: string, includes: readonly string[]): string {
  const result = resultOf(compiler, source);
  if (existsSync(result)) return result;
  mkdirSync(binaries, { recursive: true });
  // Test files run side by side: whoever comes last replaces the same bytes.
  const unfinished = `${result}.${process.pid}`;
  try {
    execFileSync(compiler.command, [...compiler.flags, ...includes, '-o', unfinished, source]);
    renameSync(unfinished, result);
  } finally {
    rmSync(unfinished, { force: true });
  }
  return result;
}

/** In the same order on every machine: a name of a result is made of all of them. */
function filesBelow(folder: string, pattern: string): string[] {
  return globSync(pattern, { cwd: folder })
    .sort()
    .map((file) => join(folder, file));
}

function resultOf({ flags, included }: Compiler, source: string): string {
  const content = createHash('sha256').update(process.arch).update(flags.join(' '));
  for (const file of [source, ...included]) content.update(readFileSync(file));
  return join(binaries, `${basename(source, '.c')}-${content.digest('hex').slice(0, 16)}`);
}
