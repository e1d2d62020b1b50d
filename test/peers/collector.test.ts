/** The agent and a real OpenTelemetry Collector: the same snapshot must be the same series on both pages. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { collector, startCollector } from './collector.ts';
import { proves } from '../proof.ts';
import { freePort, jsonLines, page, peer, seriesOf, startAgent, until, without } from './peer.ts';

const binary = peer('collector');
const skip = without(binary, 'collector');

/** What the Collector adds by itself. */
const own = new Set(['job', 'instance']);
const withoutOwn = (key: string): string =>
  key.replace(/\{(.*)\}/, (_, labels: string) => {
    const pairs = [...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)];
    return `{${pairs
      .filter(([, name]) => !own.has(name!))
      .map(([pair]) => pair)
      .join(',')}}`;
  });

test('agent page and Collector page of one snapshot agree series by series', { skip }, async (t) => {
  const peerOf = await startCollector(t, binary!);
  const port = await freePort();
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: peerOf.otlp };
  startAgent(
    t,
    ['--listen', `127.0.0.1:${port}`, '--scrape-interval', '3s', '--min-container-age', '0s'],
    endpoint,
  );

  // A snapshot is reused for a second: whoever asks right after a push gets what was pushed.
  const seen = (await jsonLines(peerOf.file)).length;
  await until('a push', async () => ((await jsonLines(peerOf.file)).length > seen ? true : undefined));
  const ours = seriesOf((await page(`http://127.0.0.1:${port}/metrics`)) ?? '');
  await sleep(300);
  const theirs = seriesOf((await page(peerOf.url)) ?? '');

  const pushed = new Map([...theirs].map(([key, value]) => [withoutOwn(key), value]));
  pushed.delete('up{}');
  for (const key of pushed.keys()) if (key.startsWith('target_info{')) pushed.delete(key);
  assert.ok(ours.size > 60, `${ours.size} series`);
  assert.deepEqual([...pushed].sort(), [...ours].sort());
  const [, up] =
    [...theirs].find(([key]) => /^up\{instance="[^"]+",job="otel-node-agent"\}$/.test(key)) ?? [];
  assert.equal(up, 1);
  proves(t, 'up');
});

test('types on both pages are the same', { skip }, async (t) => {
  const peerOf = await startCollector(t, binary!);
  const port = await freePort();
  startAgent(t, [
    '--listen',
    `127.0.0.1:${port}`,
    '--scrape-interval',
    '500ms',
    '--collector-endpoint',
    peerOf.otlp,
  ]);
  const typesOf = (text: string): string[] =>
    [...text.matchAll(/^# TYPE .*$/gm)].map(([line]) => line).sort();
  const theirs = await until('a push', async () => {
    const text = (await page(peerOf.url)) ?? '';
    return text.includes('node_uptime_seconds') ? text : undefined;
  });
  const ours = (await page(`http://127.0.0.1:${port}/metrics`)) ?? '';
  const added = ['# TYPE target_info gauge', '# TYPE up gauge'];
  assert.deepEqual(typesOf(theirs), [...typesOf(ours), ...added].sort());
});

test('a Collector that is away is told of once, and gets everything when it is back', { skip }, async (t) => {
  const peerOf = await collector(t, binary!);
  const port = await freePort();
  const agent = startAgent(t, ['--listen', `127.0.0.1:${port}`, '--scrape-interval', '200ms'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: peerOf.otlp,
  });
  const lines = (text: string): number => agent.log().split(text).length - 1;
  await until('the first failure', () => (lines('OTLP export fails') > 0 ? true : undefined));
  await sleep(2000);
  assert.equal(lines('OTLP export fails'), 1);
  assert.ok((await page(`http://127.0.0.1:${port}/metrics`))?.includes('node_uptime_seconds'));

  const first = await peerOf.run();
  await until('data', async () =>
    (await page(peerOf.url))?.includes('node_uptime_seconds') ? true : undefined,
  );
  await until('the news', () => lines('OTLP export works') > 0 || undefined);
  assert.equal(lines('OTLP export works'), 1);
  await first.end();
  await until('the second failure', () => (lines('OTLP export fails') === 2 ? true : undefined));
  await peerOf.run();
  await until('data again', async () =>
    (await page(peerOf.url))?.includes('node_uptime_seconds') ? true : undefined,
  );
  await until('the news again', () => lines('OTLP export works') > 1 || undefined);
  assert.equal(lines('OTLP export works'), 2);
  assert.equal(await agent.end(), 0);
});

test('the last export leaves on SIGTERM', { skip }, async (t) => {
  const peerOf = await startCollector(t, binary!);
  const port = await freePort();
  const agent = startAgent(t, [
    '--listen',
    `127.0.0.1:${port}`,
    '--scrape-interval',
    '1h',
    '--collector-endpoint',
    peerOf.otlp,
  ]);
  await until('the page', () => page(`http://127.0.0.1:${port}/metrics`));
  assert.equal((await jsonLines(peerOf.file)).length, 0);
  assert.equal(await agent.end(), 0);
  await until('the export', async () => ((await jsonLines(peerOf.file)).length > 0 ? true : undefined), 2000);
});
