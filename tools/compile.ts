/** Running a C or C++ compiler: in parallel, only where something changed, with a sentence when a part is missing. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const debianPackages = 'g++ make libelf-dev zlib1g-dev';

/** Runs one command; its diagnostics become the message of the error. */
export async function run(command: string, args: readonly string[], cwd?: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, [...args], { cwd, maxBuffer: 16 << 20 });
    return stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT')
      throw new Error(`${command} is missing: on Debian, apt-get install ${debianPackages}`);
    const absent = /fatal error: (\S+\.h): No such file/.exec(stderr ?? '')?.[1];
    const hint =
      absent === undefined ? '' : `\n${absent} is missing: on Debian, apt-get install ${debianPackages}`;
    throw new Error(`${command} failed:\n${stderr ?? String(error)}${hint}`, { cause: error });
  }
}

/** Does `work` for all items, as many at a time as there are processors. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const lane = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
}

/** Whether `output` is older than one of its inputs, or missing. */
export function isStale(output: string, inputs: readonly string[]): boolean {
  const builtMs = statSync(output, { throwIfNoEntry: false })?.mtimeMs;
  return builtMs === undefined || inputs.some((input) => statSync(input).mtimeMs > builtMs);
}

/** Empties `directory` when what it was made with (`recipe`) is not what it would be made with now. */
export function startOverIfChanged(directory: string, recipe: readonly string[]): void {
  const wanted = recipe.join('\n');
  if (readIfAny(join(directory, 'recipe')) === wanted) return;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'recipe'), wanted);
}

function readIfAny(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false }) && readFileSync(path, 'utf8');
}
