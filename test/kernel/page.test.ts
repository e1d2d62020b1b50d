/** The families of connections on the page of the whole agent, against what the programs that made them say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { page, until } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { run } from '../agent/rig.ts';
import { skip, type Cgroup } from './machine.ts';
import { exchange, ownEnds, serve } from './traffic.ts';

const port = '21775';
const count = 60;
const ends = ownEnds('page');

/** Samples of a cgroup by family and the labels that are not of the container, such as `bytes_sent_total 127.0.0.1:80`. */
function samplesOf(text: string, { path }: Cgroup): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, family, labels = '', value] = /^container_net_tcp_(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
    if (family === undefined || !labels.includes(`container_id="${path}"`)) continue;
    const own = [...labels.matchAll(/(?:^|,)(destination|listen_addr|reason|le)="([^"]*)"/g)].map(
      ([, , text]) => text,
    );
    found.set([family, ...own].join(' '), Number(value));
  }
  return found;
}

const shown = ['--min-container-age', '0s', '--skip-systemd-system-services=false'];

test('both sides of connections', { skip }, async (t) => {
  const agent = await run(t, undefined, [...shown, '--disable-metric', 'container_net_tcp_resets_total']);
  const serving = await serve(ends.server, port);
  t.after(() => serving.kill());
  const made = await exchange(ends.client, '127.0.0.1', port, count);
  const answered = await serving.end();
  const key = (family: string): string => `${family} 127.0.0.1:${port}`;
  const text = await until('all of it', async () => {
    await sleep(1100);
    const now = (await page(`${agent.url}/metrics`)) ?? '';
    const active = samplesOf(now, ends.client).get(key('active_connections')) ?? 0;
    return samplesOf(now, ends.client).get(key('successful_connects_total')) === count && active === 0
      ? now
      : undefined;
  });

  const out = samplesOf(text, ends.client);
  assert.equal(out.get(key('bytes_sent_total')), made.sent);
  assert.equal(out.get(key('bytes_received_total')), made.received);
  const seconds = out.get(key('connection_time_seconds_total'))!;
  assert.ok(seconds > 0 && seconds <= made.connectNs / 1e9, `${seconds} s`);
  assert.equal(out.get('connect_duration_seconds_count'), count);
  assert.equal(out.get('connect_duration_seconds_bucket +Inf'), count);
  assert.ok(Math.abs(out.get('connect_duration_seconds_sum')! - seconds) < 1e-9);
  assert.equal(out.get('rtt_seconds_count'), count);
  const absent = ['retransmits_total', 'failed_connects_total', 'syn_retransmits_total', 'resets_total'];
  for (const family of absent) assert.ok(!out.has(key(family)), family);

  const came = samplesOf(text, ends.server);
  assert.equal(came.get(key('accepted_connections_total')), answered.connections);
  assert.equal(came.get(key('accepted_bytes_sent_total')), answered.sent);
  assert.equal(came.get(key('accepted_bytes_received_total')), answered.received);
  assert.equal(came.get(key('accepted_resets_total')), count / 6, 'those that the client has reset');
  proves(
    t,
    'container_net_tcp_bytes_sent_total',
    'container_net_tcp_bytes_received_total',
    'container_net_tcp_connection_time_seconds_total',
  );
});
