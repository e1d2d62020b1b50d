/** Services as a real systemd tells of them: what they are, what starts them, and which of them are parts of the system. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { noteSeen } from '../conformance/seen.ts';
import { checkout } from '../nodes/runtimes/base/node.ts';
import { skip, startRuntime, until, type RuntimeNode } from '../nodes/runtimes/runtime.ts';
import { proves } from '../proof.ts';

const sleeping = 'ExecStart=/bin/sleep 1000';
const units: Record<string, string> = {
  'plain.service': `[Service]\n${sleeping}`,
  'telling.service': `[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1000'`,
  'once.service': `[Service]\nType=oneshot\n${sleeping}`,
  'clock.service': `[Service]\n${sleeping}`,
  'clock.timer': '[Timer]\nOnActiveSec=0\nAccuracySec=1ms',
  'called.service': `[Service]\n${sleeping}`,
  'called.socket': '[Socket]\nListenStream=/run/called.sock',
  'many@.service': `[Service]\nType=exec\n${sleeping}`,
};
const started = ['plain', 'telling', 'once', 'clock.timer', 'called.socket', 'many@1'];

async function startUnits(node: RuntimeNode): Promise<void> {
  for (const [name, text] of Object.entries(units))
    await writeFile(node.path(`/etc/systemd/system/${name}`), `${text}\n`);
  await node.exec('systemctl', 'daemon-reload');
  await node.exec('systemctl', 'start', '--no-block', ...started);
  await node.exec('sh', '-c', 'curl --silent --max-time 1 --unix-socket /run/called.sock http://x || true');
  for (const name of ['plain', 'telling', 'once', 'clock', 'called', 'many@1'])
    await until(name, async () => {
      const state = await node.exec('systemctl', 'show', '--property=ActiveState', '--value', name);
      return ['active\n', 'activating\n'].includes(state) || undefined;
    });
}

/** `TYPE TRIGGER` of the services that this test made, by their names; empty for one that is shown without. */
function shown(page: string): Map<string, string> {
  noteSeen(page);
  const found = new Map<string, string>();
  const service = /container_id="\/system\.slice\/(plain|telling|once|clock|called|system-many)\.\w+"/;
  for (const line of page.split('\n')) {
    const name = service.exec(line)?.[1];
    if (name === undefined) continue;
    const info =
      /^container_info\{.*image="",.*systemd_triggered_by="([^"]*)",systemd_type="([^"]*)"\} 1$/.exec(line);
    if (info !== null) found.set(name, `${info[2]} ${info[1]}`.trim());
    else if (!found.has(name)) found.set(name, '');
  }
  return found;
}

const everybody = {
  plain: 'simple',
  telling: 'notify',
  called: 'simple called.socket',
  'system-many': 'exec',
};
const background = { once: 'oneshot', clock: 'simple clock.timer' };

/** In the pid namespace of the node, as an agent with hostPID is in that of the machine: systemd talks to nobody whom it cannot see. */
async function startInside(node: RuntimeNode, ...args: readonly string[]): Promise<() => Promise<string>> {
  const listen = '127.0.0.1:10301';
  const agent = [process.execPath, join(checkout, 'dist/agent.js'), '--listen', listen];
  // Cgroups are found by walking: the kernel's events name them from the root of the machine.
  const script = `mount --bind /dev/null ${checkout}/dist/cgroup.bpf.o
    OTEL_METRICS_EXPORTER=prometheus exec ${[...agent, '--min-container-age', '0s', ...args].join(' ')}`;
  node.daemon('sh', '-c', script);
  const page = (): Promise<string> => node.exec('curl', '--silent', '--fail', `http://${listen}/metrics`);
  await until('the page of the agent', page);
  return page;
}

test(
  'services have their type and what starts them; what runs once or by a clock is none',
  { skip },
  async (t) => {
    proves(t, 'container_info', '--skip-systemd-system-services');
    const node = await startRuntime(t, 'systemd');
    await startUnits(node);
    const page = await startInside(node);
    // Also at once: nobody is shown before it is known what it is.
    assert.deepEqual(Object.fromEntries(shown(await page())), everybody);
    assert.doesNotMatch(await node.exec('cat', '/var/log/sh.log'), /does not answer/);

    // What a service is may change until it starts the next time.
    await writeFile(node.path('/etc/systemd/system/plain.service'), `[Service]\nType=exec\n${sleeping}\n`);
    await node.exec('systemctl', 'daemon-reload');
    await node.exec('systemctl', 'restart', 'plain');
    const isExec = async (): Promise<true | undefined> =>
      shown(await page()).get('plain') === 'exec' || undefined;
    // It is found within 30 s, which is how long `until` waits.
    await until('another type', isExec).catch(() => until('another type', isExec));
    assert.match(await page(), /container_restarts_total\{[^}]*"\/system\.slice\/plain\.service"[^}]*\} 1/);
  },
);

test('all services are shown when none is to be skipped', { skip }, async (t) => {
  const node = await startRuntime(t, 'systemd');
  await startUnits(node);
  const page = await startInside(node, '--no-skip-systemd-system-services');
  assert.deepEqual(Object.fromEntries(shown(await page())), { ...everybody, ...background });
});

test('where systemd does not talk to the agent, unit files tell', { skip }, async (t) => {
  const node = await startRuntime(t, 'systemd');
  await startUnits(node);
  await node.exec('systemctl', 'add-wants', 'multi-user.target', 'called.socket', 'clock.timer');
  const agent = await node.startAgent('--min-container-age', '0s');
  assert.deepEqual(Object.fromEntries(shown(await agent.page())), everybody);
  assert.match(agent.log(), /"runtime":"systemd".*does not answer/);
});
