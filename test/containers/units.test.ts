/** Units of the systemd that runs this machine, as it tells of them itself. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { run, type RunningAgent } from '../agent/rig.ts';
import { skip } from '../kernel/machine.ts';
import { page } from '../peers/peer.ts';
import { proves } from '../proof.ts';

const withoutSystemd = existsSync('/run/systemd/private') ? false : 'needs systemd';
const prefix = `kind-${process.pid}-`;
const sleeping = 'ExecStart=/bin/sleep 1000';
const units: Record<string, string> = {
  'plain.service': `[Service]\n${sleeping}`,
  'once.service': `[Service]\nType=oneshot\n${sleeping}`,
  'clock.service': `[Service]\nType=exec\n${sleeping}`,
  'clock.timer': '[Timer]\nOnActiveSec=0\nAccuracySec=1ms',
  'path.service': `[Service]\nType=exec\n${sleeping}`,
  'path.path': '[Path]\nPathExists=/etc/passwd',
};

const systemctl = (...words: string[]): string => execFileSync('systemctl', words, { encoding: 'utf8' });

function writeUnits(): void {
  for (const [name, text] of Object.entries(units))
    writeFileSync(`/run/systemd/system/${prefix}${name}`, `${text}\n`);
  systemctl('daemon-reload');
}

function removeUnits(): void {
  const names = Object.keys(units).map((name) => `${prefix}${name}`);
  systemctl('stop', ...names);
  for (const name of names) rmSync(`/run/systemd/system/${name}`, { force: true });
  systemctl('daemon-reload');
}

/** `TYPE TRIGGER` by the short name of the service. */
async function shown(agent: RunningAgent): Promise<Record<string, string>> {
  await sleep(1100); // a snapshot is reused for a second
  const text = (await page(`${agent.url}/metrics`)) ?? '';
  const info = new RegExp(
    `^container_info\\{.*"/system\\.slice/${prefix}(\\w+)\\.service".*systemd_triggered_by="${`(?:${prefix})?`}([^"]*)",systemd_type="([^"]*)"\\} 1$`,
    'gm',
  );
  return Object.fromEntries(
    [...text.matchAll(info)].map(([, name = '', trigger, type]) => [name, `${type} ${trigger}`.trim()]),
  );
}

async function expectShown(agent: RunningAgent, expected: Record<string, string>): Promise<void> {
  let found = await shown(agent);
  for (let i = 0; i < 20 && Object.keys(found).length < Object.keys(expected).length; i++)
    found = await shown(agent);
  assert.deepEqual(found, expected);
}

test(
  'types and triggers, of units that were there and that come later',
  { skip: skip || withoutSystemd },
  async (t) => {
    t.after(removeUnits);
    writeUnits();
    systemctl('start', '--no-block', `${prefix}plain.service`, `${prefix}once.service`);
    while (systemctl('show', '--property=ActiveState', '--value', `${prefix}once`) !== 'activating\n')
      await sleep(100);
    const agent = await run(t, undefined, ['--min-container-age', '0s']);
    await expectShown(agent, { plain: 'simple' });
    systemctl('start', `${prefix}clock.timer`, `${prefix}path.path`);
    while (
      systemctl('is-active', `${prefix}clock`, `${prefix}path`, `${prefix}plain`).match(/^active$/gm)
        ?.length !== 3
    )
      await sleep(100);
    const all = { plain: 'simple', path: 'exec path.path' };
    await expectShown(agent, all);
    // What it is may change, and counts when it starts the next time.
    writeFileSync(`/run/systemd/system/${prefix}plain.service`, `[Service]\nType=exec\n${sleeping}\n`);
    systemctl('daemon-reload');
    await expectShown(agent, all);
    systemctl('restart', `${prefix}plain`);
    await expectShown(agent, { ...all, plain: 'exec' });
    assert.equal(agent.log.filter(({ runtime }) => runtime === 'systemd').length, 0);
    proves(t, 'container_info', '--skip-systemd-system-services');
  },
);
