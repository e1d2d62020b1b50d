/** Log messages of containers in a real OpenTelemetry Collector: each once, by either protocol, also those of the last moment. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { skip as withoutMachine } from '../kernel/machine.ts';
import { settled, total } from '../logs/page.ts';
import { startWriter } from '../logs/writer.ts';
import { proves } from '../proof.ts';
import { startCollector } from './collector.ts';
import { freePort, jsonLines, page, peer, startAgent, until, without } from './peer.ts';

const binary = peer('collector');
const skip = withoutMachine || without(binary, 'collector');

/** OTLP in JSON, as far as it matters here. */
interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string };
}
interface Request {
  readonly resourceLogs?: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeLogs: readonly {
      readonly logRecords: readonly {
        readonly body: { readonly stringValue: string };
        readonly severityText: string;
        readonly severityNumber: number;
        readonly traceId: string;
        readonly attributes?: readonly Attribute[];
      }[];
    }[];
  }[];
}

/** Records of one container, in order. */
async function recordsOf(file: string, id: string) {
  const requests = (await jsonLines(file)) as Request[];
  return requests
    .flatMap(({ resourceLogs = [] }) => resourceLogs)
    .filter(({ resource }) =>
      resource.attributes.some(({ key, value }) => key === 'container.id' && value.stringValue === id),
    )
    .flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));
}

for (const protocol of ['grpc', 'http/protobuf'] as const)
  test(`${protocol}: each message arrives once in a Collector`, { skip }, async (t) => {
    const collector = await startCollector(t, binary!);
    const writer = await startWriter(t);
    await writer.run('exec 9>>app.log');
    const listen = `127.0.0.1:${await freePort()}`;
    const to =
      protocol === 'grpc' ? ['--collector-endpoint', collector.otlp] : ['--logs-endpoint', collector.logs];
    const agent = startAgent(t, ['--listen', listen, '--min-container-age', '0s', ...to], {
      OTEL_METRICS_EXPORTER: 'prometheus',
    });
    const url = `http://${listen}`;
    await until('the page', () => page(`${url}/metrics`));
    await sleep(1000);
    const json = '{"level":"error","msg":"it broke","code":$i,"trace_id":"0af7651916cd43dd8448eb211c80319c"}';
    await writer.run(
      `for ((i = 0; i < 2000; i++)); do echo "INFO number $i"; echo "${json.replaceAll('"', '\\"')}"; done >&9`,
    );
    assert.equal(total(await settled(url, writer.id, 4000)), 4000);
    // These are counted and sent while the agent ends.
    await writer.run(
      'for ((i = 2000; i < 2100; i++)); do echo "INFO number $i"; done >&9; echo "INFO open" >&9',
    );
    assert.equal(await agent.end(), 0);
    const wanted = 4100;
    await until(
      'all records',
      async () => (await recordsOf(collector.file, writer.id)).length >= wanted || undefined,
    );

    const records = await recordsOf(collector.file, writer.id);
    assert.equal(records.length, wanted);
    const numbers = records
      .map(({ body }) => /^INFO number (\d+)$/.exec(body.stringValue)?.[1])
      .filter(Boolean);
    assert.deepEqual(
      numbers,
      Array.from({ length: 2100 }, (_, i) => String(i)),
    );
    const broken = records.filter(({ body }) => body.stringValue === 'it broke');
    assert.deepEqual(
      broken.map(({ attributes }) => attributes?.find(({ key }) => key === 'code')?.value.intValue),
      Array.from({ length: 2000 }, (_, i) => String(i)),
    );
    for (const { severityText, severityNumber, traceId } of broken)
      assert.deepEqual(
        [severityText, severityNumber, traceId],
        ['error', 17, '0af7651916cd43dd8448eb211c80319c'],
      );
    proves(t, to[0]!);
  });
