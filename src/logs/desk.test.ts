import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { desk, type Desk } from './desk.ts';
import type { LogSettings } from './messages.ts';
import { openLog } from './open-file.ts';
import { logSeries } from './series.ts';
import { temporary } from './tail.fixture.ts';

const usual = {
  ...{ json: true, patternLimit: 256, extractionLimit: 0, cpuBudget: 0, maxSampleBytes: 4096, masks: true },
};

function start(t: TestContext, settings: Partial<LogSettings> = {}) {
  const series = logSeries();
  const problems: string[] = [];
  const of: Desk = desk({
    settings: { ...usual, ...settings },
    onCounted: (counted) => series.take(counted),
    onProblem: (text) => problems.push(text),
    onEnd: (error) => problems.push(String(error)),
  });
  t.after(() => of.close());
  /** From its beginning. */
  const follow = (directory: string, name: string): void => {
    const group = `${directory}\nfile`;
    const container = { visible: true, labels: {} } as never;
    series.add(group, 'file', () => container);
    of.follow({ id: name, group, kind: 'file', directory, name, isNew: true, isAgain: false }, (asked) =>
      openLog(`${directory}/${asked}`),
    );
  };
  const counted = async (): Promise<number> => {
    await of.count();
    return [...series.all()].reduce((sum, { messages }) => sum + messages, 0);
  };
  return { of, series, problems, follow, counted };
}

async function until(is: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 20_000;
  while (!(await is())) {
    assert.ok(Date.now() < endMs, 'too late');
    await sleep(30);
  }
}

/** CPU of the threads that run JavaScript besides ours, seconds: fields 14 and 15 of /proc/<pid>/task/<tid>/stat. */
function workersSeconds(): number {
  let ticks = 0;
  for (const tid of readdirSync('/proc/self/task')) {
    const stat = readFileSync(`/proc/self/task/${tid}/stat`, 'latin1');
    if (!stat.includes('(WorkerThread)')) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

test('the thread keeps to its budget of CPU', async (t) => {
  const directory = temporary(t);
  const line = (i: number): string =>
    `ERROR ${'abcdefgh'[i % 8]} cannot open file ${i}, of ${'x'.repeat(60)}\n`;
  const { of, series, follow, counted } = start(t, { cpuBudget: 0.05 });
  writeFileSync(`${directory}/app.log`, Array.from({ length: 400_000 }, (_, i) => line(i)).join(''));
  follow(directory, 'app.log');
  await until(async () => (await counted()) > 0);
  const [beforeSeconds, beforeMs] = [workersSeconds(), performance.now()];
  await sleep(4000);
  const share = (1000 * (workersSeconds() - beforeSeconds)) / (performance.now() - beforeMs);
  assert.ok(share > 0.01 && share < 0.08, `${share} of a core`);
  await of.count();
  assert.ok(series.told!.figures.file.lagBytes > 0);
});
