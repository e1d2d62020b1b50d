import type { TestContext } from 'node:test';
import { loadOptions } from '../../config/load.ts';
import type { Options } from '../../config/options.ts';
import { startAgent, type Machine } from '../../src/agent.ts';
import { unsupported } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import type { CapturedHost } from '../hosts/host.ts';

/** A wall clock that stands still, and a monotonic one that goes on. */
const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5), monotonic: () => performance.now() };

/** A captured machine without the native side. */
export function captured(host: CapturedHost): Machine {
  const loadAddon = (): never => {
    throw unsupported('a captured machine has no kernel');
  };
  return { proc: host.proc, sys: host.sys, clock, loadAddon };
}

export interface RunningAgent {
  /** Address of the page. */
  readonly url: string;
  /** Lines of the agent's own log, parsed. */
  readonly log: readonly Record<string, unknown>[];
  close(): Promise<void>;
}

/** Starts the agent as `argv` and `env` say, on a free port; ends it after the test. */
export async function run(
  t: TestContext,
  machine: Machine | undefined,
  argv: readonly string[],
  env: Record<string, string> = { OTEL_METRICS_EXPORTER: 'prometheus' },
): Promise<RunningAgent> {
  const log: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => log.push(JSON.parse(line) as Record<string, unknown>) };
  const options = optionsOf(['--listen', '127.0.0.1:0', ...argv], env);
  const agent = await startAgent(
    options,
    createLog({ level: 'info', perSecond: 1000, burst: 1000 }, stream),
    machine,
  );
  t.after(() => agent.close());
  const port = log.find(({ msg }) => msg === 'metrics page')?.['port'];
  return { url: `http://127.0.0.1:${String(port)}`, log, close: () => agent.close() };
}

function optionsOf(argv: readonly string[], env: Record<string, string>): Options {
  const loaded = loadOptions(argv, env);
  if (loaded.kind !== 'run') throw new Error(JSON.stringify(loaded));
  return loaded.options;
}

/** Lines of a page by what they say: comments and the agent's figures about itself apart. */
export async function page(url: string): Promise<{ golden: string; self: readonly string[] }> {
  const response = await fetch(`${url}/metrics`);
  if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
  const lines = (await response.text()).split('\n').filter(Boolean);
  const isSelf = (line: string): boolean => line.replace(/^# (HELP|TYPE) /, '').startsWith('node_agent_');
  const golden = lines.filter((line) => !isSelf(line) || line.includes('node_agent_info'));
  return { golden: `${golden.join('\n')}\n`, self: lines.filter(isSelf) };
}
