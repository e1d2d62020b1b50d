/** What units write to the journal, on the page of the agent: each message once, in its unit. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { run } from '../agent/rig.ts';
import { page, seriesOf } from '../peers/peer.ts';
import { skip as skipKernel, until } from '../kernel/machine.ts';
import { byLevel, messagesOf, settled } from './page.ts';

const skip = skipKernel || (existsSync('/run/systemd/system') ? false : 'needs systemd as the first process');
const lines = 1000;

/** As many lines of each of three kinds; PRIORITY tells the level of the last. */
const script = `for i in $(seq ${lines}); do
  echo "INFO request $i served"; echo "ERROR cannot open file $i"; echo "<4>nothing special $i"; done; sleep 1`;

function runUnit(unit: string): void {
  execFileSync('systemd-run', [
    '--quiet',
    '--wait',
    '-p',
    'LogRateLimitIntervalSec=0',
    `--unit=${unit}`,
    'sh',
    '-c',
    script,
  ]);
  execFileSync('journalctl', ['--sync']);
}

test('messages of a unit, also of one that ran while nobody read', { skip }, async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'state-'));
  t.after(() => rmSync(state, { recursive: true }));
  const options = ['--min-container-age', '0s', '--state-dir', state];
  const [one, other] = ['one', 'other'].map((name) => `logs-test-${process.pid}-${name}`) as [string, string];
  const first = await run(t, undefined, options);
  await until('the journal', async () => {
    const text = (await page(`${first.url}/metrics`)) ?? '';
    return [...seriesOf(text)].some(
      ([key, value]) =>
        key.startsWith('node_agent_feature_enabled{') && key.includes('feature="journal"') && value === 1,
    );
  });
  runUnit(one);
  const id = `/system.slice/${one}.service`;
  const series = await settled(first.url, id, 3 * lines);
  assert.deepEqual(byLevel(series), { info: lines, error: lines, warning: lines });
  assert.deepEqual([...new Set(series.map(({ source }) => source))], ['journald']);
  await first.close();
  const stay = `/system.slice/${other}.service`;
  execFileSync('systemd-run', ['--quiet', `--unit=${other}`, 'sh', '-c', `${script}; exec sleep 1000`]);
  t.after(() => execFileSync('systemctl', ['stop', other]));
  await sleep(5000);
  execFileSync('journalctl', ['--sync']);
  const second = await run(t, undefined, options);
  assert.deepEqual(byLevel(await settled(second.url, stay, 3 * lines)), {
    info: lines,
    error: lines,
    warning: lines,
  });
  assert.deepEqual(await messagesOf(second.url, id), [], 'what was counted before is not counted again');
});
