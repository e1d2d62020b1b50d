/** 20,000 lines a second into a file that is rotated every two, while agents come and go: each counted once, in its pattern. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { receiveOtlp } from '../../src/telemetry/otlp.fixture.ts';
import { run } from '../agent/rig.ts';
import { skip, until } from '../kernel/machine.ts';
import { follows, sentOf, sum } from './sent.ts';
import { startWriter } from './writer.ts';

const lines = Math.min(Number(process.env['TRUTH_CONNECTS'] ?? 100_000), 1_000_000);
const agents = Math.max(2, Math.round(lines / 100_000));
/** Lines of four kinds, so many of each in a tenth of a second. */
const each = 500;

/** Writes so many tenths of a second, and rotates after twenty. */
const script = (tenths: number): string => `
  for ((b = 0; b < ${tenths}; b++)); do
    for ((i = 0; i < ${each}; i++)); do
      echo "ERROR cannot open file $b/$i"; echo "WARN queue has $i of $b"; echo "INFO $i served"; echo "nothing special $i"
    done >&9
    sleep 0.1
    if ((b % 20 == 19)); then mv app.log app.log.$((b / 20 % 3)); exec 9>>app.log; fi
  done`;

test(`${lines} lines over ${agents} agents`, { skip, timeout: 600_000 }, async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'state-'));
  t.after(() => rmSync(state, { recursive: true }));
  const receiver = await receiveOtlp();
  t.after(receiver.close);
  const writer = await startWriter(t);
  await writer.run('exec 9>>app.log');
  const start = () => {
    receiver.requests.length = 0;
    return run(
      t,
      undefined,
      [
        ...['--collector-endpoint', `http://127.0.0.1:${receiver.port}`, '--scrape-interval', '1s'],
        ...['--state-dir', state, '--min-container-age', '0s'],
      ],
      { OTEL_METRICS_EXPORTER: 'otlp' },
    );
  };
  const counted = new Map<string, number>();
  const take = (): void => {
    for (const [series, count] of sentOf(receiver.requests, writer.id))
      counted.set(series, (counted.get(series) ?? 0) + count);
  };

  let agent = await start();
  await until('the file', () => follows(receiver.requests));
  const tenths = Math.ceil(lines / (4 * each));
  let writing = true;
  const written = writer.run(script(tenths)).finally(() => (writing = false));
  for (let restart = 1; restart < agents && writing; restart++) {
    await Promise.race([written, sleep((tenths * 100) / agents)]);
    await agent.close();
    take();
    agent = await start();
  }
  await written;
  const all = tenths * 4 * each;
  await until('the last of them', () => sum(counted) + sum(sentOf(receiver.requests, writer.id)) >= all);
  await sleep(1500);
  await agent.close();
  take();
  t.diagnostic(`${all} lines, ${[...counted].map(([series, count]) => `${series}: ${count}`).join(', ')}`);
  assert.equal(counted.size, 4, 'patterns');
  assert.deepEqual([...counted.values()], [all / 4, all / 4, all / 4, all / 4]);
});
