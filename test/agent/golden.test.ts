/** The whole agent on captured machines, without a kernel of its own: page and OTLP against hand-checked text. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { capturedHost, hosts } from '../hosts/host.ts';
import { receiveOtlp, type ReceivedPoint } from '../../src/telemetry/otlp.fixture.ts';
import { captured, page, run } from './rig.ts';

/** With GOLDEN=write the files are written instead: read the difference before you commit it. */
function compare(file: string, actual: string): void {
  const path = join(import.meta.dirname, 'golden', file);
  if (process.env['GOLDEN'] === 'write') writeFileSync(path, actual);
  assert.equal(actual, readFileSync(path, 'utf8'));
}

/** What differs from one test machine to the next although the host is captured. */
const stable = (text: string): string =>
  text.replace(/hostname="[^"]*",kernel_version="[^"]*"/g, 'hostname="",kernel_version=""');

/** Captured processes are as old as the machine that runs the test says. */
const everyAge = ['--min-container-age', '0s'];

for (const name of hosts) {
  test(`${name}: the page`, async (t) => {
    const host = await capturedHost(t, name);
    const agent = await run(t, captured(host), ['--cgroupfs-root', host.cgroup, ...everyAge]);
    const { golden, self } = await page(agent.url);
    compare(`${name}.prom`, stable(golden));
    assert.ok(self.some((line) => line.includes('feature="tcp"') && line.includes('reason="no_addon"')));
  });
}

test('overrides of the cloud, and az and region where they belong', async (t) => {
  const host = await capturedHost(t, 'systemd-v2');
  const place = ['--provider', 'aws', '--region', 'eu-west-1', '--availability-zone', 'eu-west-1a'];
  const agent = await run(t, captured(host), [
    ...place,
    '--instance-type',
    'm5.large',
    '--instance-life-cycle',
    'spot',
  ]);
  const { golden } = await page(agent.url);
  compare(
    'cloud.prom',
    `${golden
      .split('\n')
      .filter((line) => /^(node_cloud_info|promhttp|node_info)/.test(line))
      .map(stable)
      .join('\n')}\n`,
  );
});

/** `name unit type {labels} value`, labels sorted by name. */
function lineOf({ name, unit, type, labels, value }: ReceivedPoint): string {
  const pairs = Object.keys(labels)
    .sort()
    .map((label) => `${label}=${JSON.stringify(labels[label])}`);
  return `${name} ${unit} ${type} {${pairs.join(',')}} ${value}`;
}

test('OTLP carries the same series as the page, with units, and up beside them', async (t) => {
  const host = await capturedHost(t, 'kubernetes-v2');
  const receiver = await receiveOtlp();
  t.after(receiver.close);
  const endpoint = [
    '--collector-endpoint',
    `http://127.0.0.1:${receiver.port}`,
    '--scrape-interval',
    '300ms',
  ];
  const agent = await run(t, captured(host), [...endpoint, '--cgroupfs-root', host.cgroup, ...everyAge], {});
  const deadline = Date.now() + 10_000;
  while (receiver.requests.length === 0 && Date.now() < deadline) await sleep(20);
  const { resource, points } = receiver.requests[0]!;
  const own = points
    .map(lineOf)
    .filter((line) => !line.startsWith('node_agent_') || line.startsWith('node_agent_info'))
    .sort();
  compare('kubernetes-v2.otlp', `${own.map(stable).join('\n')}\n`);
  assert.equal(resource['service.name'], 'otel-node-agent');
  assert.equal(resource['service.version'], 'unknown');
  assert.equal(resource['host.id'], 'ec2e191690997caffd21012345abcdef');
  assert.equal(resource['service.instance.id'], 'ec2e191690997caffd21012345abcdef');

  const { golden } = await page(agent.url);
  const onPage = golden
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .sort();
  const pushed = own
    .filter((line) => !line.startsWith('up '))
    .map((line) => line.replace(/^(\S+) .*? (?:gauge|counter|sum) (\{.*\}) (\S+)$/, '$1$2 $3'))
    .sort();
  assert.deepEqual(pushed, onPage);
  assert.ok(own.includes('up  gauge {} 1'));
  assert.ok(!golden.includes('\nup'));
});
