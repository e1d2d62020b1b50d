import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServerCredentials } from '@grpc/grpc-js';
import { SnapshotMeter } from './meter.ts';
import { millisecondsOf, otlpVariable } from './otlp-env.ts';
import { portOf, receiveOtlp, type ReceivedPoint, type ReceivedRequest } from './otlp.fixture.ts';
import { startOtlp, type OtlpSettings } from './otlp.ts';
import { PrometheusReader } from './prometheus.ts';
import { createResource } from './resource.ts';
import { Snapshots } from './snapshot.ts';

const outside = { ...process.env };
afterEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) delete process.env[name];
  Object.assign(process.env, outside);
});

function createSource(reuseMs = 50) {
  const meter = new SnapshotMeter({ constantLabels: () => ({ machine_id: 'm' }) });
  const resource = createResource({ version: '1.2.3', hostName: 'h', machineId: 'm', systemUuid: '' });
  return {
    meter,
    snapshots: new Snapshots(meter, () => resource, { name: 'test', version: '1' }, { reuseMs }),
  };
}

/** Pushes to an endpoint every `intervalMs`, 40 unless told; `states` is what the hook heard. */
function push(context: TestContext, endpoint: string | undefined, settings: Partial<OtlpSettings> = {}) {
  const { meter, snapshots } = createSource();
  const states: boolean[] = [];
  const reasons: string[] = [];
  const onState = (works: boolean, reason: string) => {
    states.push(works);
    reasons.push(reason);
  };
  const otlp = startOtlp({ producer: snapshots, intervalMs: 40, endpoint, onState, ...settings });
  context.after(() => otlp.shutdown());
  return { meter, snapshots, otlp, states, reasons };
}

/** Polls until `holds` does; fails after ten seconds. */
async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !holds(); await sleep(5)) {
    assert.ok(performance.now() < end, 'did not come true in ten seconds');
  }
}

const keyOf = (point: Pick<ReceivedPoint, 'name' | 'labels'>) => {
  const labels = Object.entries(point.labels).map(([name, value]) => `${name}="${value}"`);
  return labels.length === 0 ? point.name : `${point.name}{${labels.join(',')}}`;
};

test('both ways out show the same series, values and types of one snapshot', async (t) => {
  const server = await receiveOtlp();
  t.after(server.close);
  const { meter, snapshots } = createSource(60_000);
  const counter = meter.createObservableCounter('c_seconds_total', { unit: 's' });
  const gauge = meter.createObservableGauge('g', { unit: 'By' });
  meter.addBatchObservableCallback(
    (result) => {
      for (let i = 0; i < 30; i++) result.observe(counter, i / 3, { device: `sd${i}`, mode: '' });
      result.observe(gauge, -1e300);
    },
    [counter, gauge],
  );
  const reader = new PrometheusReader();
  reader.setMetricProducer(snapshots);
  const page = (await reader.render()).text.toString();
  const { otlp } = push(t, `http://127.0.0.1:${server.port}`, { producer: snapshots, intervalMs: 60_000 });
  await otlp.shutdown();

  const points = server.requests.flatMap((request) => request.points);
  const up = points.filter((point) => point.name === 'up');
  assert.deepEqual([up.length, up[0]?.value, up[0]?.labels], [1, 1, {}]);
  const pushed = points
    .filter((point) => point.name !== 'up')
    .map((point) => `${keyOf(point)} ${point.value}`);
  const scraped = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  assert.equal(scraped.length, 31);
  assert.deepEqual(pushed.sort(), scraped.sort());
  const types = new Map(points.map((point) => [point.name, `${point.type} ${point.unit}`]));
  assert.deepEqual(Object.fromEntries(types), { c_seconds_total: 'counter s', g: 'gauge By', up: 'gauge ' });
  assert.match(page, /# TYPE c_seconds_total counter\n/);
  assert.match(page, /# TYPE g gauge\n/);
  assert.ok(points.every((point) => point.startNs <= point.timeNs && point.timeNs > 0n));
});

test('large snapshots go in batches of 2,000 points, one round, with resource and headers', async (t) => {
  const server = await receiveOtlp();
  t.after(server.close);
  const settings = { headers: { 'x-api-key': 'secret' }, intervalMs: 60_000 };
  const { meter, otlp } = push(t, `http://127.0.0.1:${server.port}`, settings);
  meter.createObservableGauge('g').addCallback((result) => {
    for (let i = 0; i < 4999; i++) result.observe(i, { i: `${i}` });
  });
  await otlp.shutdown();
  assert.deepEqual(
    server.requests.map((request) => request.points.length),
    [2000, 2000, 1000],
  );
  const { resource, headers } = server.requests[0] as ReceivedRequest;
  assert.equal(resource['service.name'], 'otel-node-agent');
  assert.equal(resource['service.instance.id'], 'm');
  assert.deepEqual(headers.get('x-api-key'), ['secret']);
  assert.deepEqual({ ...otlp.figures }, { ok: 1, failed: 0 });
});

test('a dead endpoint is told once, and again when it is back', async (t) => {
  const vacant = net.createServer().listen(0, '127.0.0.1');
  await once(vacant, 'listening');
  const port = portOf(vacant);
  vacant.close();
  await once(vacant, 'close');
  const { otlp, states, reasons } = push(t, `http://127.0.0.1:${port}`);
  await until(() => otlp.figures.failed >= 5);
  assert.deepEqual(states, [false]);
  assert.match(reasons[0]!, /ECONNREFUSED|UNAVAILABLE/);
  const server = await receiveOtlp({ port });
  t.after(server.close);
  // With the channel it began with this would take as long as its back-off, a second and more each time.
  await until(() => otlp.figures.ok >= 3);
  assert.deepEqual(states, [false, true]);
});

const badEndpoints: Record<string, (socket: net.Socket) => void> = {
  hangs: () => {},
  resets: (socket) => socket.resetAndDestroy(),
  'answers garbage': (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n\0\0\0garbage'.repeat(100)),
};

for (const [what, behave] of Object.entries(badEndpoints)) {
  test(`an endpoint that ${what} is counted, and does not hold the end`, async (t) => {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      behave(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const { otlp, states } = push(t, `http://127.0.0.1:${portOf(server)}`);
    await until(() => otlp.figures.failed >= 4);
    assert.deepEqual(states, [false]);
    const startMs = performance.now();
    const [first, second] = [otlp.shutdown(), otlp.shutdown()];
    assert.equal(first, second);
    await first;
    assert.ok(performance.now() - startMs < 4000);
    assert.equal(otlp.figures.ok, 0);
  });
}

test('the end waits three seconds at most for a service that never answers', async (t) => {
  const server = await receiveOtlp({ handle: () => {} });
  t.after(server.close);
  const { otlp } = push(t, `http://127.0.0.1:${server.port}`, { intervalMs: 60_000 });
  const startMs = performance.now();
  await otlp.shutdown();
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs > 2500 && tookMs < 4500, `${tookMs} ms`);
});

test('refusals and answers that are no protobuf neither crash nor count twice', async (t) => {
  let calls = 0;
  const server = await receiveOtlp({
    handle: (_call, done) => {
      calls++;
      if (calls === 1) done({ code: 8, details: 'too large' });
      else done(null, Buffer.from([0xff, 0xff, 0xff]));
    },
  });
  t.after(server.close);
  const { otlp, states, reasons } = push(t, `http://127.0.0.1:${server.port}`);
  await until(() => otlp.figures.ok >= 2);
  assert.equal(otlp.figures.failed, 1);
  assert.match(reasons[0]!, /too large/);
  assert.deepEqual(states, [false, true]);
});

test('TLS: the authority of caFile is trusted besides the others, or nothing is verified', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'otlp-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [keyFile, caFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const args = [
    'req',
    '-x509',
    '-nodes',
    '-days',
    '2',
    ...curve,
    '-keyout',
    keyFile,
    '-out',
    caFile,
    ...subject,
  ];
  execFileSync('openssl', args, { stdio: 'ignore' });
  const pair = { private_key: readFileSync(keyFile), cert_chain: readFileSync(caFile) };
  const server = await receiveOtlp({
    host: '0.0.0.0',
    credentials: ServerCredentials.createSsl(null, [pair]),
  });
  t.after(server.close);
  const works = async (host: string, settings: Partial<OtlpSettings>) => {
    const { otlp } = push(t, `https://${host}:${server.port}`, { intervalMs: 60_000, ...settings });
    await otlp.shutdown();
    assert.equal(otlp.figures.ok + otlp.figures.failed, 1);
    return otlp.figures.ok === 1;
  };
  for (const host of ['127.0.0.1', 'localhost']) {
    assert.equal(await works(host, {}), false, `${host}: nobody vouches`);
    assert.equal(await works(host, { caFile }), true, `${host}: caFile`);
  }
  assert.equal(await works('127.0.0.2', { caFile }), false, 'not the address of the certificate');
  assert.equal(await works('127.0.0.2', { insecureSkipVerify: true }), true, 'nothing is verified');
  process.env['OTEL_EXPORTER_OTLP_CERTIFICATE'] = caFile;
  assert.equal(await works('127.0.0.1', {}), true, 'variable');
});

test('settings that cannot be used are refused at once, by name', (t) => {
  const start = (settings: Partial<OtlpSettings>, endpoint = 'https://127.0.0.1:1') =>
    push(t, endpoint, settings);
  assert.throws(() => start({}, 'http://:::'), { code: 'EINVAL', message: /"http:\/\/:::"/ });
  assert.throws(() => start({ headers: { 'a b': 'x' } }), { code: 'EINVAL', message: /"a b"/ });
  assert.throws(() => start({ caFile: '/nowhere/ca.pem' }), { code: 'ENOENT', message: /--ca-file/ });
  const folder = mkdtempSync(join(tmpdir(), 'otlp-ca-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, '-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n');
  assert.throws(() => start({ caFile }), { code: 'EINVAL', message: /no certificate/ });
});

test('the interval, the endpoint and complaints about variables come from the environment', async (t) => {
  const server = await receiveOtlp();
  t.after(server.close);
  process.env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'] = `http://127.0.0.1:${server.port}`;
  process.env['OTEL_METRIC_EXPORT_INTERVAL'] = '30';
  process.env['OTEL_EXPORTER_OTLP_COMPRESSION'] = 'lzma';
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const { otlp } = push(t, undefined, { intervalMs: 60_000, onWarning });
  await until(() => otlp.figures.ok >= 2);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /OTEL_EXPORTER_OTLP_COMPRESSION/);
});

test('an endpoint that takes only a part is told of, once', async (t) => {
  // ExportMetricsServiceResponse: partial_success { rejected_data_points: 5, error_message: "x" }
  const answer = Buffer.from([0x0a, 5, 0x08, 5, 0x12, 1, 0x78]);
  const receiver = await receiveOtlp({ handle: (_call, done) => done(null, answer) });
  t.after(receiver.close);
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const { otlp } = push(t, `http://127.0.0.1:${receiver.port}`, { intervalMs: 100, onWarning });
  await until(() => otlp.figures.ok >= 3);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /rejectedDataPoints.*5/);
});

test('choices that this exporter does not have are said once', async (t) => {
  process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'http/protobuf';
  process.env['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'] = 'delta';
  t.after(() => {
    delete process.env['OTEL_EXPORTER_OTLP_PROTOCOL'];
    delete process.env['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'];
  });
  const warnings: string[] = [];
  push(t, undefined, { intervalMs: 60_000, onWarning: (message: string) => warnings.push(message) });
  assert.deepEqual(warnings, [
    'OTLP protocol http/protobuf is not supported: grpc is used',
    'temporality delta is not supported: cumulative is used',
  ]);
});

test('variables: the metrics one first, blank is unset; milliseconds above zero', () => {
  const environment = { OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: ' ', OTEL_EXPORTER_OTLP_TIMEOUT: '5' };
  assert.equal(otlpVariable('TIMEOUT', undefined, environment), '5');
  assert.equal(otlpVariable('HEADERS', undefined, environment), undefined);
  for (const bad of [undefined, '', '0', '-1', 'x', '1e99', 'Infinity'])
    assert.equal(millisecondsOf(bad), undefined);
  assert.equal(millisecondsOf(' 250 '), 250);
});
