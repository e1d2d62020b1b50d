/** The agent as a process on a machine from which something was taken away, and what it says of its features. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { bundle, freePort, page, seriesOf, start, until } from '../peers/peer.ts';

/** By feature: `1` or `0` and the reason, such as `0 no_capability`. */
export type States = ReadonlyMap<string, string>;

export interface Said {
  readonly states: States;
  /** Series of the node on the page, without their values. */
  readonly nodeSeries: ReadonlySet<string>;
  /** Log lines about a feature, by feature. */
  readonly lines: ReadonlyMap<string, readonly { readonly enabled: boolean; readonly detail?: string }[]>;
}

/** Why these tests skip, or false. */
export const skip = process.getuid?.() === 0 ? false : 'needs root';

interface Line {
  readonly level: string;
  readonly feature?: string;
  readonly enabled: boolean;
  readonly detail?: string;
}

let whole: Promise<Said> | undefined;

/** What the agent says with everything that this machine has; asked once. */
export function lookAtAll(t: TestContext): Promise<Said> {
  return (whole ??= look(t, []));
}

/** Starts the agent by `launcher`, a command line that runs the rest of its line, looks at its page and ends it; it may complain of features only. */
export async function look(
  t: TestContext,
  launcher: readonly string[],
  program = bundle,
  node = process.execPath,
): Promise<Said> {
  const port = await freePort();
  const options = ['--listen', `127.0.0.1:${port}`];
  const [command, ...args] = [...launcher, node, program, ...options];
  const agent = start(t, command!, args, { OTEL_METRICS_EXPORTER: 'prometheus' });
  const url = `http://127.0.0.1:${port}/metrics`;
  const text = await until('a page with the state of every feature', async () => {
    assert.equal(agent.child.exitCode, null, agent.log());
    const found = await page(url);
    return found?.includes('feature="node_net"') ? found : undefined;
  });
  assert.equal(await agent.end(), 0, agent.log());

  const states = new Map<string, string>();
  const nodeSeries = new Set<string>();
  for (const [series, value] of seriesOf(text)) {
    const name = series.slice(0, series.indexOf('{'));
    if (/^node_(?!agent_)/.test(name)) nodeSeries.add(series);
    if (name !== 'node_agent_feature_enabled') continue;
    const [, feature] = /feature="(\w*)"/.exec(series)!;
    const [, reason] = /reason="(\w*)"/.exec(series)!;
    states.set(feature!, `${value} ${reason}`.trim());
  }
  const lines = new Map<string, { enabled: boolean; detail?: string }[]>();
  for (const line of agent
    .log()
    .split('\n')
    .filter((entry) => entry.startsWith('{'))) {
    const { level, feature, ...rest } = JSON.parse(line) as Line;
    if (feature !== undefined) lines.set(feature, [...(lines.get(feature) ?? []), rest]);
    else assert.equal(level, 'info', line);
  }
  return { states, nodeSeries, lines };
}

/** Asserts that `less` differs from `whole` in exactly these features, that each is told of once, and that the node is all there. */
export function assertLost(whole: Said, less: Said, lost: States): void {
  assert.deepEqual(less.states, new Map([...whole.states, ...lost]));
  assert.deepEqual(less.nodeSeries, whole.nodeSeries);
  for (const [feature] of lost) assert.equal(less.lines.get(feature)?.length, 1, `one line about ${feature}`);
}
