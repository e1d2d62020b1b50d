/** Runs parts of the test suite and says what passed, what nobody ran, and where the time went. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { fingerprint } from './fingerprint.ts';
import { parts, type Part, type Tier } from './parts.ts';
import type { TestResult } from './reporter.ts';
import { verdict, type PartResult } from './verdict.ts';

const usage = `usage: npm test [-- --unit | --ci | --full] [--fresh] [PART...]
  --unit    what needs no kernel of its own       --ci      what every change must pass
  --full    every kernel and peer, full loads; parts that passed and did not change since are not run again
  --fresh   run them all the same                 PART...   only these: ${parts.map(({ name }) => name).join(' ')}
`;
const resultsFolder = 'build/results';
const cacheFolder = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'otel-node-agent/results',
);
const say = (text: string): unknown => process.stderr.write(`suite: ${text}\n`);

const { tier, fresh, chosen } = choose();
spawnSync(process.execPath, ['--no-warnings', 'tools/stripped.mjs'], { stdio: 'inherit' });
const times: [name: string, seconds: number][] = [];
const results: PartResult[] = [];
let ended = false;

for (const part of chosen) if (!ended) results.push(await runPart(part));
process.exitCode = report();

function choose(): { tier: Tier; fresh: boolean; chosen: readonly Part[] } {
  try {
    const flag = { type: 'boolean' } as const;
    const options = { unit: flag, ci: flag, full: flag, fresh: flag, help: flag };
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (values.help) {
      process.stdout.write(usage);
      process.exit(0);
    }
    const tier = values.full ? 'full' : values.ci ? 'ci' : values.unit ? 'unit' : 'test';
    const unknown = positionals.filter((name) => !parts.some((part) => part.name === name));
    if (unknown.length > 0) throw new Error(`there is no part ${unknown.join(', ')}`);
    const wanted = (part: Part): boolean =>
      positionals.length > 0 ? positionals.includes(part.name) : part.tiers.includes(tier);
    return { tier, fresh: values.fresh ?? tier !== 'full', chosen: parts.filter(wanted) };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

async function runPart(part: Part): Promise<PartResult> {
  const folder = join(resultsFolder, part.name);
  const kept = join(cacheFolder, part.name, fingerprint(part, tier));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (!fresh && !part.volatile && existsSync(kept)) {
    say(`${part.name}: passed before, nothing that it depends on has changed`);
    cpSync(kept, folder, { recursive: true });
    return { part: part.name, passed: true, tests: testsOf(folder) };
  }
  let prepared = true;
  for (const step of part.prepare ?? [])
    prepared = (await timed(`${part.name}: ${step.join(' ')}`, step, { stdout: 'ignore' })) && prepared;
  // Elsewhere than in CI the tests go on without, and say what they lack.
  let passed = prepared || process.env['CI'] !== 'true';
  const env = { ...part.env?.(tier), TEST_EVIDENCE: join(process.cwd(), folder) };
  passed = (await timed(part.name, part.command({ tier, folder }), { env })) && passed;
  if (passed && !part.volatile) keep(folder, kept);
  return { part: part.name, passed, tests: testsOf(folder) };
}

/** Keeps one result of each part: the latest that passed. */
function keep(folder: string, kept: string): void {
  const unfinished = join(cacheFolder, `.${process.pid}`);
  cpSync(folder, unfinished, { recursive: true });
  rmSync(dirname(kept), { recursive: true, force: true });
  mkdirSync(dirname(kept), { recursive: true });
  renameSync(unfinished, kept);
}

async function timed(
  name: string,
  [command, ...args]: readonly string[],
  options: { env?: Record<string, string>; stdout?: 'ignore' },
): Promise<boolean> {
  say(name);
  const startMs = performance.now();
  const code = await new Promise<number>((resolve) => {
    const stdio = ['ignore', options.stdout ?? 'inherit', 'inherit'] as const;
    const child = spawn(command!, args, { stdio: [...stdio], env: { ...process.env, ...options.env } });
    const forward = (signal: NodeJS.Signals): void => {
      ended = true;
      child.kill(signal);
    };
    process.on('SIGINT', forward).on('SIGTERM', forward);
    child.once('error', (error) => (say(`${command}: ${error.message}`), resolve(127)));
    child.once('close', (status) => {
      process.off('SIGINT', forward).off('SIGTERM', forward);
      resolve(status ?? 1);
    });
  });
  times.push([name, (performance.now() - startMs) / 1000]);
  if (code !== 0) say(`${name}: failed (${code})`);
  return code === 0;
}

/** What a part left about an end that no test tells of. */
function why(part: string): string {
  return join(resultsFolder, part, 'why');
}

function testsOf(folder: string): TestResult[] {
  const file = join(folder, 'tests.ndjson');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as TestResult);
}

function report(): number {
  const { failedParts, neverRun, passed, failed } = verdict(results);
  for (const { test, reasons } of neverRun) say(`not run anywhere: ${test} (${reasons.join('; ')})`);
  for (const { part, tests } of results)
    for (const { file, name, error } of tests.filter(({ outcome }) => outcome === 'failed'))
      say(`failed: ${part}: ${file}: ${name}\n${(error ?? '').replaceAll(/^/gm, '    ')}`);
  for (const part of failedParts)
    if (existsSync(why(part))) say(`${part}: ${readFileSync(why(part), 'utf8')}`);
  say('where the time went');
  for (const [name, seconds] of times) process.stderr.write(`${seconds.toFixed(0).padStart(7)} s  ${name}\n`);
  const all = times.reduce((sum, [, seconds]) => sum + seconds, 0);
  process.stderr.write(`${all.toFixed(0).padStart(7)} s  in all\n`);
  say(`${passed} tests passed, ${failed} failed, ${neverRun.length} not run anywhere`);
  if (failedParts.length > 0) say(`failed: ${failedParts.join(', ')}`);
  const required = process.env['CI'] === 'true' && neverRun.length > 0;
  if (required) say('CI=true: a test that runs nowhere is a failure');
  return failedParts.length > 0 || required || ended ? 1 : 0;
}
