import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { noteSeen } from '../conformance/seen.ts';

const root = join(import.meta.dirname, '../..');

/** The agent as it is installed. */
export const bundle = join(root, 'dist/agent.js');

/** Those of tools/peers. */
export type PeerName =
  | 'collector'
  | 'prometheus'
  | 'node-exporter'
  | 'kubernetes'
  | 'kubernetes-schemas'
  | 'operators'
  | 'helm'
  | 'helm3';

/** Path of a peer that has been built or fetched; undefined where it has not, which is a failure with CI=true. */
export function peer(name: PeerName): string | undefined {
  const { status, stdout } = spawnSync(join(root, `tools/peers/${name}.sh`), ['--cached'], {
    encoding: 'utf8',
  });
  if (status === 0) return stdout.trim();
  if (process.env['CI'] === 'true') throw new Error(`${name} is missing: run tools/peers/${name}.sh`);
  return undefined;
}

/** The reason to skip a test, or false. */
export function without(path: string | undefined, name: string): string | false {
  return path === undefined && `${name} is not there: tools/peers/${name}.sh makes it`;
}

/** A directory that goes with the test. */
export async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'peers-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A port of the loopback address that was free a moment ago, outside the ephemeral range. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const free = await new Promise<boolean>((tried) => {
      server.once('error', () => tried(false));
      server.listen(port, '127.0.0.1', () => tried((server.address() as AddressInfo).port === port));
    });
    await new Promise((closed) => server.close(closed));
    if (free) return port;
  }
}

export interface Running {
  readonly child: ChildProcess;
  /** Everything written to standard error so far. */
  log(): string;
  /** Signals and waits for the end; answers the exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a program, ended after the test whatever happens. */
export function start(
  t: TestContext,
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
  user: { uid?: number; gid?: number } = {},
): Running {
  const child = spawn(command, [...args], {
    ...user,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const exited = new Promise<number | null>((ended) => child.once('exit', (code) => ended(code)));
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return {
    child,
    log: () => log,
    end(signal = 'SIGTERM') {
      child.kill(signal);
      return exited;
    },
  };
}

/** Starts the agent as it is installed: the bundle, with options and environment. */
export function startAgent(
  t: TestContext,
  args: readonly string[],
  env: Record<string, string> = {},
): Running {
  return start(t, process.execPath, ['--max-semi-space-size=1', bundle, ...args], env);
}

/** Asks until the answer is not undefined. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 60_000,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > endMs) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await sleep(20);
  }
}

/** Text of a page, undefined while it cannot be had. What an agent shows is noted as seen. */
export async function page(url: string): Promise<string | undefined> {
  const text = await fetch(url).then(
    (response) => (response.ok ? response.text() : undefined),
    () => undefined,
  );
  if (text !== undefined) noteSeen(text);
  return text;
}

/** Series of a page by name and labels, labels sorted. */
export function seriesOf(text: string): Map<string, number> {
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const pairs = [...labels.matchAll(/\w+="(?:[^"\\]|\\.)*"/g)].map(([pair]) => pair).sort();
    series.set(`${name}{${pairs.join(',')}}`, Number(value));
  }
  return series;
}

/** Lines of a file of JSON objects; a last line that is being written is left out. */
export async function jsonLines(path: string): Promise<unknown[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}
