/** Options about logs, each said as a flag and as a variable: what they change in what is counted. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { run } from '../agent/rig.ts';
import { say, ways } from '../agent/say.ts';
import { skip } from '../kernel/machine.ts';
import { proves } from '../proof.ts';
import { messagesOf, settled, total, type LogSeries } from './page.ts';
import { startWriter } from './writer.ts';

/** What the agent makes of these lines with such options. */
async function seriesWith(
  t: TestContext,
  said: Omit<ReturnType<typeof say>, 'names'>,
  lines: readonly string[],
): Promise<LogSeries[]> {
  const writer = await startWriter(t);
  await writer.run('exec 9>>app.log');
  const argv = ['--min-container-age', '0s', ...said.argv];
  const agent = await run(t, undefined, argv, { OTEL_METRICS_EXPORTER: 'prometheus', ...said.env });
  await sleep(1000);
  await writer.run(`cat >&9 <<'end'\n${lines.join('\n')}\nend`);
  return settled(agent.url, writer.id, lines.length);
}

const errors = (count: number): string[] =>
  Array.from(
    { length: count },
    (_, i) => `ERROR ${String.fromCharCode(97 + i).repeat(5)} is ${'very '.repeat(i)}broken`,
  );
const hashes = (series: readonly LogSeries[]): Record<string, number> =>
  Object.fromEntries(series.map(({ hash, messages }) => [hash, messages]));
const overflow = '0'.repeat(32);

for (const way of ways) {
  test(`${way}: patterns, their samples, and how many are looked for`, { skip }, async (t) => {
    const few = say(way, { 'log-patterns-per-container': '3', 'max-label-length': '30' });
    const series = await seriesWith(t, few, errors(10));
    assert.equal(hashes(series)[overflow], 7);
    assert.equal(series.length, 4);
    assert.deepEqual(
      series.filter(({ hash }) => hash !== overflow).map(({ sample }) => sample),
      errors(3).map((line) => line.slice(0, 30)),
    );
    const slow = say(way, { 'log-pattern-extraction-limit': '4' });
    const sampled = await seriesWith(t, slow, errors(20));
    const [untold] = sampled.filter(({ sample }) => sample === 'event was sampled');
    // A second may end while they are read.
    assert.ok(
      untold !== undefined && untold.messages >= 12 && untold.messages <= 16,
      String(untold?.messages),
    );
    proves(t, ...few.names, ...slow.names);
  });

  test(
    `${way}: over the budget of CPU all are counted, though late and without patterns`,
    { skip },
    async (t) => {
      const budget = say(way, { 'log-cpu-budget': way === 'flags' ? '1%' : '0.01' });
      const many = Array.from({ length: 15_000 }, (_, i) => errors(20)[i % 20]!);
      const startMs = Date.now();
      const series = await seriesWith(t, budget, many);
      const [untold] = series.filter(({ sample }) => sample === 'event was sampled');
      assert.ok(untold !== undefined && untold.messages > 10_000, String(untold?.messages));
      assert.equal(total(series), many.length);
      assert.ok(Date.now() - startMs > 4000, 'they take more than 40 ms');
      proves(t, ...budget.names);
    },
  );

  test(`${way}: JSON, and secrets`, { skip }, async (t) => {
    const lines = ['{"level":"error","msg":"it broke","password":"hunter2"}', 'WARN login password=hunter2'];
    const levels = (series: readonly LogSeries[]): string[] => series.map(({ level }) => level).sort();
    const usual = await seriesWith(t, say(way, {}), lines);
    assert.deepEqual(levels(usual), ['error', 'warning']);
    assert.doesNotMatch(usual.map(({ sample }) => sample).join(), /hunter2/);
    const plain = say(way, { 'disable-json-log-parsing': 'true', 'log-mask': 'off' });
    const raw = await seriesWith(t, plain, lines);
    assert.deepEqual(levels(raw), ['error', 'warning']);
    assert.match(raw.map(({ sample }) => sample).join('\n'), /password=hunter2/);
    assert.notDeepEqual(
      Object.keys(hashes(raw)).sort(),
      Object.keys(hashes(usual)).sort(),
      'the text of the line',
    );
    proves(t, ...plain.names);
  });

  test(`${way}: no logs at all`, { skip }, async (t) => {
    for (const option of way === 'flags'
      ? ['disable-log-parsing', 'no-parse-logs']
      : ['disable-log-parsing']) {
      const said = say(way, { [option]: 'true' });
      const writer = await startWriter(t);
      await writer.run('exec 9>>app.log');
      const argv = ['--min-container-age', '0s', ...said.argv];
      const agent = await run(t, undefined, argv, { OTEL_METRICS_EXPORTER: 'prometheus', ...said.env });
      await writer.run('echo "ERROR it broke" >&9');
      await sleep(3000);
      assert.deepEqual(await messagesOf(agent.url, writer.id), []);
      proves(t, ...said.names);
    }
  });
}
