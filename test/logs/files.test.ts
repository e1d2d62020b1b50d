/** Files below /var/log that containers write to: each message once, whatever happens to the files. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { receiveOtlp } from '../../src/telemetry/otlp.fixture.ts';
import { run, type RunningAgent } from '../agent/rig.ts';
import { say, ways } from '../agent/say.ts';
import { skip, until } from '../kernel/machine.ts';
import { proves } from '../proof.ts';
import { byLevel, messagesOf, settled, total } from './page.ts';
import { follows, sentOf, sum } from './sent.ts';
import { startWriter } from './writer.ts';

const lines = Math.min(Number(process.env['TRUTH_CONNECTS'] ?? 5000), 100_000);
const everybody = ['--min-container-age', '0s'];
/** So many lines of each of two kinds. */
const write = (from: number, count: number, to = '>&9'): string =>
  `for ((i = ${from}; i < ${from + count}; i++)); do echo "ERROR cannot open file $i"; echo "INFO $i opened"; done ${to}`;

test('a file that is rotated by its name while it is written to', { skip }, async (t) => {
  const agent = await run(t, undefined, everybody);
  const writer = await startWriter(t);
  await writer.run(`exec 9>>app.log; ${write(0, 10)}`);
  await settled(agent.url, writer.id, 20);
  const rounds = 5;
  const each = Math.ceil(lines / rounds);
  for (let round = 0; round < rounds; round++) {
    await writer.run(write(10 + round * each, each));
    // Who has it open still writes a line or two into the old one.
    await writer.run(`mv app.log app.log.${round}; ${write(0, 1)}; exec 9>>app.log`);
    await sleep(300);
  }
  const all = 10 + rounds * (each + 1);
  const series = await settled(agent.url, writer.id, 2 * all);
  assert.deepEqual(byLevel(series), { error: all, info: all });
  assert.deepEqual([...new Set(series.map(({ source }) => source))], [join(writer.folder, 'app.log')]);
  assert.equal(series.length, 2, 'one pattern');
  proves(t, 'container_log_messages_total');
});

test('a file that is copied and truncated; one that is older than the agent', { skip }, async (t) => {
  const writer = await startWriter(t);
  await writer.run(`exec 9>>app.log; ${write(0, 100)}`);
  const agent = await run(t, undefined, everybody);
  await sleep(1000);
  await writer.run(write(0, 1));
  assert.equal(total(await settled(agent.url, writer.id, 2)), 2, 'what was there before is not counted');
  for (let round = 0; round < 3; round++) {
    await writer.run(write(100 * round, 50));
    await settled(agent.url, writer.id, 2 + (round + 1) * 100);
    await writer.run(`cp app.log copy.log; : >app.log`);
  }
  await writer.run(write(0, 1));
  const series = await settled(agent.url, writer.id, 2 + 300 + 2);
  assert.deepEqual(byLevel(series), { error: 152, info: 152 });
});

test('who can read the file, too, writes no log; nor does a container that says so', { skip }, async (t) => {
  const both = await startWriter(t);
  const silent = await startWriter(t, { COROOT_LOG_MONITORING: 'disabled' });
  await both.run('exec 8<>database.log 9>>app.log');
  await silent.run('exec 9>>app.log');
  const agent = await run(t, undefined, everybody);
  await sleep(1000);
  await both.run(`${write(0, 5, '>&8')}; ${write(0, 3)}`);
  await silent.run(write(0, 5));
  const series = await settled(agent.url, both.id, 6);
  await sleep(1500);
  assert.deepEqual(
    (await messagesOf(agent.url, both.id)).map(({ source, messages }) => [source, messages]),
    series.map(() => [join(both.folder, 'app.log'), 3]),
  );
  assert.deepEqual(await messagesOf(agent.url, silent.id), []);
  proves(t, 'COROOT_LOG_MONITORING');
});

test('with a state directory nothing is lost or doubled over restarts', { skip }, async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'state-'));
  t.after(() => rmSync(state, { recursive: true }));
  const receiver = await receiveOtlp();
  t.after(receiver.close);
  const writer = await startWriter(t);
  const options = {
    'collector-endpoint': `http://127.0.0.1:${receiver.port}`,
    'scrape-interval': '300ms',
    'min-container-age': '0s',
  };
  /** The directory is said in one way and the other. */
  const start = (round: number): Promise<RunningAgent> => {
    const { argv, env, names } = say(ways[round % 2]!, { ...options, 'wal-dir': state });
    proves(t, ...names.filter((name) => /wal.dir/i.test(name)));
    return run(t, undefined, argv, { OTEL_METRICS_EXPORTER: 'otlp', ...env });
  };
  /** What the agents have sent, of each what it sent last. */
  const counts: number[] = [];
  let written = 0;
  const writeOn = async (count: number): Promise<void> => {
    await writer.run(write(written, count));
    written += count;
  };
  await writer.run('exec 9>>app.log');
  for (let round = 0; round < 4; round++) {
    receiver.requests.length = 0;
    const agent = await start(round);
    await until('the file', () => follows(receiver.requests));
    await writeOn(100);
    await until('the first of them', () => sum(sentOf(receiver.requests, writer.id)) > 0);
    await writer.run(`mv app.log app.log.${round}; exec 9>>app.log`);
    await writeOn(50);
    await sleep(round * 300);
    await writeOn(25);
    await agent.close();
    counts.push(sum(sentOf(receiver.requests, writer.id)));
    await writeOn(25);
  }
  receiver.requests.length = 0;
  const before = counts.reduce((all, one) => all + one, 0);
  const last = await start(4);
  await until('the last of them', () => before + sum(sentOf(receiver.requests, writer.id)) >= 2 * written);
  await sleep(1000);
  await last.close();
  counts.push(sum(sentOf(receiver.requests, writer.id)));
  assert.equal(
    counts.reduce((all, one) => all + one, 0),
    2 * written,
    counts.join(' + '),
  );
});
