/** Log records to a receiver of the test: what was emitted is what arrives, or is counted. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { afterEach, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../errors.ts';
import type { LogExport, LogExportSettings } from '../model/log-export.ts';
import { startLogExport } from './log-export.ts';
import { LogQueue, type LogQueueLimits } from './log-queue.ts';
import { logTarget } from './log-target.ts';
import { receiveLogs, type LogReceiver } from './otlp-logs.fixture.ts';
import { portOf } from './otlp.fixture.ts';
import { isRetryable } from './otlp-retry.ts';

const outside = { ...process.env };
afterEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) delete process.env[name];
  Object.assign(process.env, outside);
});

interface Rig {
  readonly out: LogExport;
  readonly states: boolean[];
  readonly warnings: string[];
  /** Emits one with this body. */
  emit(body: string): void;
}

async function exportTo(
  t: TestContext,
  to: Pick<LogReceiver, 'protocol' | 'endpoint'>,
  limits: Partial<LogQueueLimits> = {},
  settings: Partial<LogExportSettings> = {},
): Promise<Rig> {
  const [states, warnings]: [boolean[], string[]] = [[], []];
  const { protocol, endpoint } = to;
  const out = await startLogExport(
    {
      protocol,
      endpoint,
      headers: {},
      insecureSkipVerify: false,
      resource: { 'host.name': 'h' },
      ...settings,
    },
    { onState: (works) => states.push(works), onWarning: (text) => warnings.push(text) },
    { delayMs: 20, minRetryMs: 20, maxRetryMs: 40, ...limits },
  );
  t.after(() => out.shutdown(0));
  const logger = out.loggerOf({ 'service.name': 's', 'container.id': '/c' });
  return { out, states, warnings, emit: (body) => logger.emit({ body, timestamp: [0, 0] }) };
}

interface Gate extends Pick<LogReceiver, 'protocol' | 'endpoint'> {
  isOpen: boolean;
}

/** Hangs up on whoever comes before it is opened; its port is taken all the time. */
async function gateTo(t: TestContext, { protocol, port, endpoint }: LogReceiver): Promise<Gate> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    if (!gate.isOpen) return void socket.destroy();
    const inner = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      sockets.add(from.on('error', () => to.destroy()).on('close', () => to.destroy()));
      from.pipe(to);
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const gate = { protocol, isOpen: false, endpoint: endpoint.replace(`:${port}`, `:${portOf(server)}`) };
  return gate;
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; !holds(); await sleep(5))
    assert.ok(performance.now() < end, 'did not come true in twenty seconds');
}

const none = { sent: 0, refused: 0, expired: 0, overflow: 0, unsent: 0, queued: 0 };
const bodies = ({ records }: LogReceiver): unknown[] => records.map(({ body }) => body);
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`);

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  test(`${protocol}: each record once, in batches, with resource and headers`, async (t) => {
    process.env['OTEL_RESOURCE_ATTRIBUTES'] =
      'deployment.environment.name=prod,host.name=other,service.name=x';
    process.env['OTEL_EXPORTER_OTLP_LOGS_HEADERS'] = 'x-tenant=me';
    process.env['OTEL_EXPORTER_OTLP_COMPRESSION'] = 'gzip';
    const receiver = await receiveLogs(protocol);
    t.after(receiver.close);
    const { out, states, emit } = await exportTo(
      t,
      receiver,
      { batchRecords: 100 },
      { headers: { 'x-api-key': 'k' } },
    );
    names(1050).forEach(emit);
    await out.shutdown(5000);
    assert.deepEqual(bodies(receiver), names(1050));
    assert.deepEqual({ ...out.figures }, { ...none, sent: 1050 });
    assert.ok(receiver.requests.every((records) => records <= 100) && receiver.requests.length === 11);
    const resource = {
      'service.name': 's',
      'container.id': '/c',
      'host.name': 'other',
      'deployment.environment.name': 'prod',
    };
    assert.deepEqual(receiver.records[0]!.resource, resource);
    assert.equal(receiver.records[0]!.timeNs, 0n, 'not known');
    assert.deepEqual([receiver.headers[0]!['x-api-key'], receiver.headers[0]!['x-tenant']], ['k', 'me']);
    assert.deepEqual(states, [true]);
    emit('late');
    assert.deepEqual({ ...out.figures }, { ...none, sent: 1050, unsent: 1 });
  });

  test(`${protocol}: what an endpoint refuses is counted, and not sent again`, async (t) => {
    const receiver = await receiveLogs(protocol);
    t.after(receiver.close);
    const { out, states, warnings, emit } = await exportTo(t, receiver);
    receiver.answer = { rejected: 2 };
    names(5).forEach(emit);
    await until(() => out.figures.queued === 0);
    assert.deepEqual({ ...out.figures }, { ...none, sent: 3, refused: 2 });
    assert.equal(warnings.filter((text) => text.includes('Partial Success')).length, 1);
    receiver.answer = { status: 400 };
    names(5).forEach(emit);
    await until(() => out.figures.queued === 0);
    assert.deepEqual({ ...out.figures }, { ...none, sent: 3, refused: 7 });
    assert.deepEqual(states, [true, false]);
    assert.equal(receiver.requests.length, 2);
  });

  test(`${protocol}: a dead endpoint costs a bounded queue; what it holds arrives when it is back`, async (t) => {
    process.env['OTEL_EXPORTER_OTLP_LOGS_TIMEOUT'] = '300';
    const back = await receiveLogs(protocol);
    t.after(back.close);
    const gate = await gateTo(t, back);
    const { out, states, emit } = await exportTo(t, gate, { maxRecords: 500 });
    for (const name of names(2000)) if (out.hasRoom()) emit(name);
    await until(() => states.length > 0);
    await sleep(500);
    assert.deepEqual({ ...out.figures }, { ...none, queued: 500, overflow: 1500 });
    assert.deepEqual(states, [false], 'told once');
    gate.isOpen = true;
    await until(() => out.figures.queued === 0);
    assert.deepEqual(bodies(back), names(500));
    assert.deepEqual({ ...out.figures }, { ...none, sent: 500, overflow: 1500 });
    assert.deepEqual(states, [false, true]);
  });

  test(`${protocol}: over TLS, whom to trust`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'logs-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const [keyFile, caFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const files = ['-keyout', keyFile, '-out', caFile];
    execFileSync('openssl', ['req', '-x509', '-nodes', ...curve, ...subject, ...files], { stdio: 'ignore' });
    const pair = { key: readFileSync(keyFile), cert: readFileSync(caFile) };
    const receiver = await receiveLogs(protocol, pair);
    t.after(receiver.close);
    const sends = async (settings: Partial<LogExportSettings>): Promise<boolean> => {
      const { states, emit } = await exportTo(t, receiver, {}, settings);
      emit('m');
      await until(() => states.length > 0);
      return states[0]!;
    };
    process.env['OTEL_EXPORTER_OTLP_LOGS_TIMEOUT'] = '900';
    assert.equal(await sends({}), false, 'nobody vouches for it');
    assert.equal(await sends({ caFile }), true);
    assert.equal(await sends({ insecureSkipVerify: true }), true);
    process.env['OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE'] = caFile;
    assert.equal(await sends({}), true, 'the variable');
    assert.deepEqual(bodies(receiver), ['m', 'm', 'm']);
  });

  test(`${protocol}: one that hangs does not hold up the end, nor what waits too long`, async (t) => {
    process.env['OTEL_EXPORTER_OTLP_LOGS_TIMEOUT'] = '200';
    const receiver = await receiveLogs(protocol);
    t.after(receiver.close);
    receiver.answer = 'hang';
    const { out, states, emit } = await exportTo(t, receiver, { maxAgeMs: 100 });
    names(10).forEach(emit);
    await until(() => out.figures.expired === 10);
    assert.deepEqual(states, [false]);
    names(10).forEach(emit);
    const startMs = performance.now();
    await out.shutdown(150);
    assert.ok(performance.now() - startMs < 1000);
    const { expired, unsent, ...rest } = out.figures;
    assert.deepEqual([expired + unsent, rest.sent, rest.queued], [20, 0, 0]);
    assert.equal(receiver.records.length, 0);
  });
}

test('an endpoint that fails for a while is tried again', async (t) => {
  const receiver = await receiveLogs('grpc');
  t.after(receiver.close);
  receiver.answer = { status: 503 };
  const { out, emit } = await exportTo(t, receiver);
  names(3).forEach(emit);
  await until(() => receiver.requests.length > 5);
  receiver.answer = 'take';
  await until(() => out.figures.queued === 0);
  assert.deepEqual(bodies(receiver), names(3));
  assert.deepEqual({ ...out.figures }, { ...none, sent: 3 });
});

test('queue and requests are bounded in bytes too', async (t) => {
  const receiver = await receiveLogs('grpc');
  t.after(receiver.close);
  const { out, emit } = await exportTo(t, receiver, { maxBytes: 1 << 20, batchBytes: 128 << 10 });
  for (let i = 0; i < 100; i++) emit(String(i % 10).repeat(30_000));
  const { queued, overflow } = out.figures;
  assert.deepEqual([queued, overflow], [34, 66]);
  await out.shutdown(5000);
  assert.equal(receiver.records.length, 34);
  assert.ok(
    receiver.requests.every((records) => records <= 4),
    String(receiver.requests),
  );
  assert.deepEqual({ ...out.figures }, { ...none, sent: 34, overflow: 66 });
});

test('a sender that throws is one that fails', async (t) => {
  const states: string[] = [];
  let sends = 0;
  const sender = {
    send: () =>
      ++sends < 3 ? Promise.reject(new Error('broken')) : Promise.resolve({ error: undefined, rejected: 0 }),
    close() {},
  };
  const queue = new LogQueue(sender, (works, reason) => states.push(`${works} ${reason}`), {
    delayMs: 1,
    minRetryMs: 1,
    maxRetryMs: 1,
  });
  t.after(() => queue.shutdown());
  new LoggerProvider({ processors: [queue] }).getLogger('s').emit({ body: 'm' });
  await until(() => queue.figures.queued === 0);
  assert.deepEqual([sends, queue.figures], [3, { ...none, sent: 1 }]);
  assert.deepEqual(states, ['false broken', 'true ']);
});

test('the longest timeout that there is does not end at once', async (t) => {
  process.env['OTEL_EXPORTER_OTLP_LOGS_TIMEOUT'] = String(2 ** 31 - 1);
  const receiver = await receiveLogs('http/protobuf');
  t.after(receiver.close);
  receiver.answer = 'hang';
  const { states, emit } = await exportTo(t, receiver);
  emit('m');
  await until(() => receiver.requests.length > 0);
  await sleep(200);
  assert.deepEqual(states, []);
});

test('what the specification says about failures', () => {
  const metadata = (bytes: number) => ({ get: () => Array.from({ length: bytes }) });
  const isAgain = (error: object) => isRetryable(Object.assign(new Error(), error));
  assert.deepEqual(
    [429, 502, 503, 504].map((code) => isAgain({ code })),
    [true, true, true, true],
  );
  assert.deepEqual(
    [400, 401, 404, 413, 500].map((code) => isAgain({ code })),
    Array(5).fill(false),
  );
  assert.deepEqual(
    [1, 4, 10, 11, 14, 15].map((code) => isAgain({ code })),
    Array(6).fill(true),
  );
  assert.deepEqual(
    [2, 3, 5, 7, 12, 13, 16].map((code) => isAgain({ code })),
    Array(7).fill(false),
  );
  assert.deepEqual(
    [isAgain({ code: 8, metadata: metadata(0) }), isAgain({ code: 8, metadata: metadata(1) })],
    [false, true],
  );
  assert.deepEqual([isAgain({}), isAgain({ code: 'ECONNREFUSED' })], [true, true]);
});

test('what cannot be used stops the start, and names the file', () => {
  const to = {
    headers: {},
    insecureSkipVerify: false,
    endpoint: 'https://localhost:1',
    caFile: '/nowhere.pem',
  };
  const host = { hostName: 'h', machineId: 'm' };
  for (const protocol of ['grpc', 'http/protobuf'] as const) {
    const start = () => logTarget({ ...to, protocol }, host);
    assert.throws(start, (error) => codeOf(error) === 'ENOENT' && /nowhere\.pem/.test(String(error)));
  }
  const { resource } = logTarget({ headers: {}, insecureSkipVerify: false, protocol: 'grpc' }, host);
  assert.deepEqual(resource, { 'host.name': 'h', 'host.id': 'm' });
});
