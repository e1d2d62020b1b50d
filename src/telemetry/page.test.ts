import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { emptyResource } from '@opentelemetry/resources';
import { DataPointType } from '@opentelemetry/sdk-metrics';
import { AgentError } from '../errors.ts';
import { SnapshotMeter } from './meter.ts';
import { acceptsGzip, servePage, type Page, type PageSettings } from './page.ts';
import { PrometheusReader, toText } from './prometheus.ts';
import { Snapshots } from './snapshot.ts';

/** A page on a free port of the loopback, with a meter behind it. */
async function open(context: TestContext, settings: Partial<PageSettings> = {}) {
  const meter = new SnapshotMeter({ constantLabels: () => ({ machine_id: 'm' }) });
  const snapshots = new Snapshots(meter, emptyResource, { name: 'test', version: '1' });
  const reader = new PrometheusReader();
  reader.setMetricProducer(snapshots);
  const ready = () => snapshots.ready;
  const page = await servePage({ host: '127.0.0.1', port: 0, reader, ready, ...settings });
  context.after(() => page.close());
  return { meter, snapshots, page };
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

async function ask(page: Page, path: string, options: http.RequestOptions = {}): Promise<Answer> {
  const { port } = page.address;
  const request = http.request({ host: '127.0.0.1', port, path, agent: false, ...options });
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

/** Polls until `holds` does; fails after three seconds. */
async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 3000; !holds(); await sleep(5)) {
    assert.ok(performance.now() < end, 'did not come true in three seconds');
  }
}

test('the page lists families by name and labels by name, without unit, scope or target lines', async (t) => {
  const { meter, page } = await open(t);
  const counter = meter.createObservableCounter('b_seconds_total', {
    unit: 's',
    description: 'two\nlines \\',
  });
  counter.addCallback((result) => result.observe(1.5, { path: 'C:\\ "x"\n', a: '' }));
  meter.createObservableGauge('a', { unit: '{x}' }).addCallback((result) => {
    result.observe(1e21, { z: 'é' });
    result.observe(-0.1);
  });
  const { status, headers, body } = await ask(page, '/metrics');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  const expected = [
    '# HELP a description missing',
    '# TYPE a gauge',
    'a{machine_id="m",z="é"} 1e+21',
    'a{machine_id="m"} -0.1',
    '# HELP b_seconds_total two\\nlines \\\\',
    '# TYPE b_seconds_total counter',
    'b_seconds_total{a="",machine_id="m",path="C:\\\\ \\"x\\"\\n"} 1.5',
    '',
  ];
  assert.equal(body.toString(), expected.join('\n'));
});

test('a family in many slices has one HELP and one TYPE line', async () => {
  const meter = new SnapshotMeter();
  const description = 'with # TYPE in it';
  meter.createObservableGauge('g', { description }).addCallback((result) => {
    for (let i = 0; i < 2500; i++) result.observe(i, { i: `${i}` });
  });
  const lines = (await toText((await meter.collect()).metrics)).toString().split('\n');
  assert.deepEqual(
    lines.filter((line) => line.startsWith('#')),
    ['# HELP g with # TYPE in it', '# TYPE g gauge'],
  );
  const values = lines.slice(2, -1).map((line) => /^g\{i="(\d+)"\} (\d+)$/.exec(line)?.slice(1));
  assert.deepEqual(
    values,
    Array.from({ length: 2500 }, (_, i) => [`${i}`, `${i}`]),
  );
});

test('gzip, HEAD and what is not there', async (t) => {
  const { meter, page, snapshots } = await open(t);
  meter.createObservableGauge('g').addCallback((result) => result.observe(1));
  assert.equal((await ask(page, '/readyz')).status, 503);
  await snapshots.collect();
  assert.equal((await ask(page, '/readyz')).status, 200);
  assert.equal((await ask(page, '/livez')).status, 200);
  const plain = await ask(page, '/metrics?x=1');
  const zipped = await ask(page, '/metrics', { headers: { 'accept-encoding': 'deflate, gzip;q=0.5' } });
  assert.equal(zipped.headers['content-encoding'], 'gzip');
  assert.deepEqual(gunzipSync(zipped.body), plain.body);
  const head = await ask(page, '/metrics', { method: 'HEAD' });
  assert.equal(head.body.length, 0);
  assert.equal(head.headers['content-length'], `${plain.body.length}`);
  assert.equal((await ask(page, '/')).status, 404);
  assert.equal((await ask(page, '/metrics/')).status, 404);
  const post = await ask(page, '/metrics', { method: 'POST' });
  assert.deepEqual([post.status, post.headers.allow], [405, 'GET, HEAD']);
  await until(() => page.figures.ok === 3);
});

test('gzip is taken only when named and not weighted 0', () => {
  for (const header of ['gzip', 'GZIP', 'br, gzip;q=1.0', '*'])
    assert.equal(acceptsGzip(header), true, header);
  for (const header of [undefined, '', 'br', 'gzip;q=0', 'gzip; q=0.000', 'x-gzip']) {
    assert.equal(acceptsGzip(header), false, String(header));
  }
});

test('1,000 scrapes at once cost one collection a second', async (t) => {
  const { meter, page } = await open(t);
  let collections = 0;
  meter.createObservableGauge('g').addCallback((result) => result.observe(++collections));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
  t.after(() => agent.destroy());
  const startMs = performance.now();
  const answers = await Promise.all(Array.from({ length: 1000 }, () => ask(page, '/metrics', { agent })));
  const seconds = (performance.now() - startMs) / 1000;
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
  assert.ok(collections <= 1 + Math.floor(seconds), `${collections} collections in ${seconds} s`);
  await until(() => page.figures.ok === 1000);
});

test('a client that never reads is cut, and nobody else waits for it', async (t) => {
  const reader = new PrometheusReader();
  const text = Buffer.alloc(32 << 20, '\n');
  reader.render = async () => ({ text, gzipped: async () => text });
  const { page } = await open(t, { reader, answerMs: 200 });
  const socket = net.connect(page.address.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'readable');
  assert.equal((await ask(page, '/livez')).status, 200);
  assert.equal(page.figures.failed, 0);
  await until(() => page.figures.failed === 1);
});

test('beyond the limit connections are refused and counted', async (t) => {
  const { page } = await open(t, { connections: 2 });
  const sockets = Array.from({ length: 5 }, () => net.connect(page.address.port, '127.0.0.1'));
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  for (const socket of sockets) socket.on('error', () => {});
  await until(() => page.figures.refused === 3);
});

test('what fails is a 500 with a reason, counted by its cause; the next scrape is tried anew', async (t) => {
  let problem: AgentError | undefined = new AgentError('GATHERING', 'no snapshot');
  const reader = new PrometheusReader();
  reader.render = async () => {
    if (problem !== undefined) throw problem;
    return { text: Buffer.from('x 1\n'), gzipped: () => Promise.reject(new Error('no memory')) };
  };
  const { page } = await open(t, { reader });
  const failed = await ask(page, '/metrics');
  assert.equal(failed.status, 500);
  assert.match(failed.body.toString(), /no snapshot/);
  assert.deepEqual([page.figures.gatheringErrors, page.figures.encodingErrors], [1, 0]);
  problem = undefined;
  assert.equal((await ask(page, '/metrics', { headers: { 'accept-encoding': 'gzip' } })).status, 500);
  assert.deepEqual([page.figures.gatheringErrors, page.figures.encodingErrors], [1, 1]);
  assert.equal((await ask(page, '/metrics')).status, 200);
  await until(() => page.figures.failed === 2 && page.figures.ok === 1);
});

test('the reader tells gathering from encoding', async () => {
  let collected: unknown = undefined;
  const reader = new PrometheusReader();
  reader.setMetricProducer({
    async collect() {
      if (collected === undefined) throw new Error('broken');
      const scopeMetrics = [{ scope: { name: '' }, metrics: [collected as never] }];
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
    },
  });
  await assert.rejects(reader.render(), { code: 'GATHERING', message: 'broken' });
  collected = { descriptor: { name: 'g' }, dataPointType: DataPointType.GAUGE, dataPoints: [{}] };
  await assert.rejects(reader.render(), { code: 'ENCODING' });
});

test('a port that is taken says so and names the option', async (t) => {
  const { page } = await open(t);
  const { port } = page.address;
  await assert.rejects(open(t, { port }), (error: AgentError) => {
    assert.equal(error.code, 'EADDRINUSE');
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}.*--listen`));
    return true;
  });
});

test('[::] and no host at all are reached over IPv4', async (t) => {
  for (const host of ['[::]', undefined, '']) {
    const { page } = await open(t, { host });
    assert.equal((await ask(page, '/livez')).status, 200);
  }
});

test('close ends within a second though a client holds its connection', async (t) => {
  const { page } = await open(t);
  const socket = net.connect(page.address.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write('GET /metrics HTTP/1.1\r\n');
  const startMs = performance.now();
  await Promise.all([page.close(), page.close()]);
  assert.ok(performance.now() - startMs < 1500);
  await page.close();
  socket.destroy();
});
