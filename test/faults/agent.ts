import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { bundle, freePort, page, seriesOf, start, until, type Running } from '../peers/peer.ts';

export interface FaultyAgent extends Running {
  readonly url: string;
  /** A page, taken now or within the last second. */
  series(): Promise<Map<string, number>>;
  /** Waits until the sum of a family's series with these labels is as wanted. */
  shows(name: string, label: string, wanted: (sum: number) => boolean): Promise<void>;
  /** Lines of the log that hold `words`. */
  lines(words: string): number;
}

type Wrap = (command: string, args: readonly string[]) => readonly [command: string, args: readonly string[]];

/** No fault around the process. */
export const direct: Wrap = (command, args) => [command, args];

/** Starts the agent under a fault: `wrap` makes the command line that meets it. Answers when there is a page. */
export async function agentUnder(
  t: TestContext,
  wrap: Wrap,
  settings: { args?: readonly string[]; env?: Record<string, string>; node?: readonly string[] } = {},
): Promise<FaultyAgent> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/metrics`;
  // Where tests run may itself be in a cloud, which is asked nothing.
  const fixed = ['--listen', `127.0.0.1:${port}`, '--provider=none'];
  const line = [...(settings.node ?? []), bundle, ...fixed, ...(settings.args ?? [])];
  const [command, args] = wrap(process.execPath, line);
  const running = start(t, command, args, { OTEL_METRICS_EXPORTER: 'prometheus', ...settings.env });
  const read = (): Promise<string> => until(`a page: ${running.log()}`, () => page(url));
  const series = async (): Promise<Map<string, number>> => seriesOf(await read());
  await read();
  return {
    ...running,
    url,
    series,
    shows: async (name, label, wanted) => {
      await until(`${name}{${label}}`, async () => wanted(sumOf(await series(), name, label)) || undefined);
    },
    lines: (words) =>
      running
        .log()
        .split('\n')
        .filter((text) => text.includes(words)).length,
  };
}

/** Sum of the series of a family that have this label (`collector="disks"`). */
export function sumOf(series: ReadonlyMap<string, number>, name: string, label = ''): number {
  let sum = 0;
  for (const [key, value] of series) if (key.startsWith(`${name}{`) && key.includes(label)) sum += value;
  return sum;
}

/** Ended by SIGTERM, well and soon; nothing went wrong that nobody expected. */
export async function endsWell(agent: FaultyAgent): Promise<void> {
  const beganMs = performance.now();
  assert.equal(await agent.end(), 0, agent.log());
  assert.ok(performance.now() - beganMs < 6000, 'soon');
  assert.equal(agent.lines('unhandled rejection'), 0, agent.log());
}
