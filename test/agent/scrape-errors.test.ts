/** Scrapes that fail are counted by what failed, where the next good one shows it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capturedHost } from '../hosts/host.ts';
import { until } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { captured, run } from './rig.ts';

test('scrapes without a snapshot are counted as gathering errors', async (t) => {
  let broken = false;
  const machine = captured(await capturedHost(t, 'bare'));
  const monotonic = (): number => {
    if (broken) throw new Error('no time');
    return performance.now();
  };
  const agent = await run(t, { ...machine, clock: { ...machine.clock, monotonic } }, []);
  const scrape = async (): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${agent.url}/metrics`);
    return { status: response.status, text: await response.text() };
  };
  const errors = (text: string): Record<string, number> =>
    Object.fromEntries(
      [...text.matchAll(/^promhttp_metric_handler_errors_total\{.*cause="(\w+)".*\} (\d+)$/gm)].map(
        ([, cause, count]) => [cause, Number(count)],
      ),
    ) as Record<string, number>;
  assert.deepEqual(errors((await scrape()).text), { encoding: 0, gathering: 0 });
  broken = true;
  for (let failures = 0; failures < 3; failures++) assert.equal((await scrape()).status, 500);
  broken = false;
  // A snapshot is reused for a second.
  const shown = await until('a new snapshot', async () => {
    const { text } = await scrape();
    return errors(text)['gathering'] === 0 ? undefined : errors(text);
  });
  assert.deepEqual(shown, { encoding: 0, gathering: 3 });
  proves(t, 'promhttp_metric_handler_errors_total');
});
