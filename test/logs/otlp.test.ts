/** Messages of containers over OTLP: each that is counted arrives once, and the metric does not wait for it. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { receiveLogs, type LogReceiver } from '../../src/telemetry/otlp-logs.fixture.ts';
import { page, run } from '../agent/rig.ts';
import { say, ways } from '../agent/say.ts';
import { skip } from '../kernel/machine.ts';
import { until } from '../peers/peer.ts';
import { proves } from '../proof.ts';
import { byLevel, settled, total } from './page.ts';
import { startWriter } from './writer.ts';

const pullOnly = { OTEL_METRICS_EXPORTER: 'prometheus' };
/** Series of the agent about itself by name and labels. */
async function selfOf(url: string): Promise<Map<string, number>> {
  const { self } = await page(url);
  return new Map(
    self
      .filter((line) => !line.startsWith('#'))
      .map((line) => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))]),
  );
}
const outcome = (name: string): string => `node_agent_logs_records_total{outcome="${name}"}`;
const of = ({ records }: LogReceiver, id: string) =>
  records.filter(({ resource }) => resource['container.id'] === id);

for (const way of ways) {
  test(`${way}: each message arrives once at the endpoint of logs`, { skip }, async (t) => {
    const receiver = await receiveLogs('http/protobuf');
    t.after(receiver.close);
    const writer = await startWriter(t);
    await writer.run('exec 9>>app.log');
    const said = say(way, { 'logs-endpoint': receiver.endpoint, 'api-key': 'secret' });
    const agent = await run(t, undefined, ['--min-container-age', '0s', ...said.argv], {
      ...pullOnly,
      ...said.env,
    });
    await sleep(1000);
    const startNs = BigInt(Date.now()) * 1_000_000n;
    await writer.run(
      'for ((i = 0; i < 5000; i++)); do echo "INFO number $i"; ((i % 10)) || echo "ERROR broke password=hunter2"; done >&9',
    );
    const series = await settled(agent.url, writer.id, 5500);
    await until('all records', () => of(receiver, writer.id).length >= 5500 || undefined);
    await sleep(1500);

    const records = of(receiver, writer.id);
    assert.deepEqual([records.length, total(series)], [5500, 5500]);
    const numbers = records.map(({ body }) => /^INFO number (\d+)$/.exec(String(body))?.[1]).filter(Boolean);
    assert.deepEqual(
      numbers,
      Array.from({ length: 5000 }, (_, i) => String(i)),
    );
    const broken = records.filter(({ severityText }) => severityText === 'error');
    assert.deepEqual(byLevel(series), { info: 5000, error: broken.length });
    const [hash] = series.filter(({ level }) => level === 'error').map((one) => one.hash);
    for (const { body, attributes, severity, resource, scope } of broken) {
      assert.deepEqual(
        [body, attributes, severity],
        ['ERROR broke password=***', { 'pattern.hash': hash }, 17],
      );
      assert.deepEqual(
        [resource['service.name'], resource['container.id'], scope],
        [writer.id, writer.id, 'otel-node-agent'],
      );
    }
    assert.ok(records.every(({ timeNs, observedNs }) => timeNs === 0n && observedNs >= startNs));
    assert.equal(receiver.headers[0]!['x-api-key'], 'secret');
    const self = await selfOf(agent.url);
    assert.deepEqual(
      [self.get(outcome('sent')), self.get('node_agent_logs_queued_records')],
      [receiver.records.length, 0],
    );
    proves(t, ...said.names, 'node_agent_logs_records_total', 'node_agent_logs_queued_records');
  });

  test(`${way}: the endpoint of everything is that of logs too`, { skip }, async (t) => {
    const receiver = await receiveLogs('grpc');
    t.after(receiver.close);
    const writer = await startWriter(t);
    await writer.run('exec 9>>app.log');
    const said = say(way, { 'collector-endpoint': receiver.endpoint });
    const agent = await run(t, undefined, ['--min-container-age', '0s', ...said.argv], {
      ...pullOnly,
      ...said.env,
    });
    await sleep(1000);
    await writer.run(
      'echo \'{"level":"warn","msg":"slow","took_ms":12,"trace_id":"0af7651916cd43dd8448eb211c80319c"}\' >&9',
    );
    await until('the record', () => of(receiver, writer.id).length > 0 || undefined);
    const [{ body, severity, attributes, traceId, spanId }] = of(receiver, writer.id) as [
      LogReceiver['records'][0],
    ];
    const { 'pattern.hash': hash, ...rest } = attributes;
    assert.deepEqual([body, severity, rest], ['slow', 13, { took_ms: 12 }]);
    assert.match(String(hash), /^[0-9a-f]{32}$/);
    assert.deepEqual([traceId, spanId], ['0af7651916cd43dd8448eb211c80319c', '']);
    // A message is one when the next begins.
    await writer.run('{ echo "INFO the last one"; echo "INFO open"; } >&9');
    await agent.close();
    assert.equal(of(receiver, writer.id).at(-1)?.body, 'INFO the last one', 'sent at the end');
    proves(t, ...said.names);
  });
}

test(
  'an endpoint that hangs holds up neither the metric nor the end; what is not sent is counted',
  { skip },
  async (t) => {
    const receiver = await receiveLogs('http/protobuf');
    t.after(receiver.close);
    receiver.answer = 'hang';
    const writer = await startWriter(t);
    await writer.run('exec 9>>app.log');
    const agent = await run(
      t,
      undefined,
      ['--min-container-age', '0s', '--logs-endpoint', receiver.endpoint],
      { ...pullOnly, OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: '600000' },
    );
    await sleep(1000);
    await writer.run('seq 30000 | sed "s/^/INFO number /" >&9');
    assert.equal(total(await settled(agent.url, writer.id, 30_000)), 30_000);
    const self = await selfOf(agent.url);
    const [queued, overflow] = [self.get('node_agent_logs_queued_records')!, self.get(outcome('overflow'))!];
    assert.equal(queued, 16_384, 'the bound');
    assert.ok(queued + overflow >= 30_000, `${queued} and ${overflow}`);
    assert.equal(self.get(outcome('sent')), 0);
    assert.equal(receiver.requests.length, 1, 'it has not been given up once');
    const closingMs = performance.now();
    await agent.close();
    assert.ok(performance.now() - closingMs < 60_000);
  },
);
