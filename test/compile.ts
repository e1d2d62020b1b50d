/** Small C programs of the tests: compiled once into static binaries, so that they run where no compiler is. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';

const flags = ['-O2', '-Wall', '-Werror', '-static'];

/** Where the binaries are kept; `TEST_BINARIES` names the folder where somebody else has compiled them. */
const binaries =
  process.env['TEST_BINARIES'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'otel-node-agent/binaries');

/** Path of the static binary of a C file. A change of the file is another binary. Throws when it can be neither found nor compiled. */
export function compileC(source: string): string {
  const binary = binaryOf(source);
  if (existsSync(binary)) return binary;
  mkdirSync(binaries, { recursive: true });
  // Test files run side by side: whoever comes last replaces the same bytes.
  const unfinished = `${binary}.${process.pid}`;
  try {
    execFileSync('cc', [...flags, '-o', unfinished, source]);
    renameSync(unfinished, binary);
  } finally {
    rmSync(unfinished, { force: true });
  }
  return binary;
}

/** The reason to skip what needs the binary of `source`, or false. */
export function withoutC(source: string): string | false {
  if (existsSync(binaryOf(source)) || spawnSync('cc', ['--version']).status === 0) return false;
  return `needs cc, or ${basename(binaryOf(source))} in the folder TEST_BINARIES`;
}

function binaryOf(source: string): string {
  const content = createHash('sha256')
    .update(process.arch)
    .update(flags.join(' '))
    .update(readFileSync(source));
  return join(binaries, `${basename(source, '.c')}-${content.digest('hex').slice(0, 16)}`);
}
