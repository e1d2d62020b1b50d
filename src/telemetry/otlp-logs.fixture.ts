import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { all, bytesOnly, fieldsOf, integer, portOf, text, type Accept } from './otlp.fixture.ts';

type Value = string | number | boolean;

/** A decoded log record. Times in nanoseconds since the epoch, ids in hexadecimal digits, empty where there is none. */
export interface ReceivedRecord {
  readonly resource: Readonly<Record<string, Value>>;
  readonly scope: string;
  readonly timeNs: bigint;
  readonly observedNs: bigint;
  readonly severity: number;
  readonly severityText: string;
  readonly body: Value;
  readonly attributes: Readonly<Record<string, Value>>;
  readonly traceId: string;
  readonly spanId: string;
}

/** What the receiver does with a request: takes it (of it, without so many), answers that it fails (an HTTP status), or not at all. */
export type Answer = 'take' | 'hang' | { readonly rejected: number } | { readonly status: number };

export interface LogReceiver {
  readonly protocol: 'grpc' | 'http/protobuf';
  readonly port: number;
  readonly endpoint: string;
  readonly records: readonly ReceivedRecord[];
  /** Records of each request that came, taken or not. */
  readonly requests: readonly number[];
  readonly headers: readonly Readonly<Record<string, unknown>>[];
  answer: Answer;
  close(): void;
}

/** PEM. */
export interface Pair {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** A receiver of OTLP logs on the loopback; over TLS with a key. */
export async function receiveLogs(protocol: LogReceiver['protocol'], pair?: Pair): Promise<LogReceiver> {
  const records: ReceivedRecord[] = [];
  const requests: number[] = [];
  const headers: Readonly<Record<string, unknown>>[] = [];
  const own: { answer: Answer } = { answer: 'take' };
  /** The bytes of the answer, a status of HTTP, or nothing. */
  const receive = (request: Buffer, of: Readonly<Record<string, unknown>>): Buffer | number | undefined => {
    const { answer } = own;
    const decoded = decodeLogs(request);
    requests.push(decoded.length);
    headers.push(of);
    if (answer === 'hang') return undefined;
    if (answer !== 'take' && 'status' in answer) return answer.status;
    const rejected = answer === 'take' ? 0 : answer.rejected;
    records.push(...decoded.slice(rejected));
    // ExportLogsServiceResponse.partial_success.rejected_log_records
    return rejected === 0 ? Buffer.alloc(0) : Buffer.from([0x0a, 2, 0x08, rejected]);
  };
  const made = await (protocol === 'grpc' ? listenGrpc : listenHttp)(receive, pair);
  const path = protocol === 'grpc' ? '' : '/v1/logs';
  return Object.assign(own, {
    ...{ protocol, records, requests, headers, ...made },
    endpoint: `${pair === undefined ? 'http' : 'https'}://127.0.0.1:${made.port}${path}`,
  });
}

type Receive = (request: Buffer, headers: Readonly<Record<string, unknown>>) => Buffer | number | undefined;

async function listenGrpc(receive: Receive, pair?: Pair): Promise<{ port: number; close(): void }> {
  const server = new Server();
  const method: Accept = ({ request, metadata }, done) => {
    const answer = receive(request, metadata.getMap());
    if (Buffer.isBuffer(answer)) done(null, answer);
    else if (answer !== undefined)
      done({ code: answer === 503 ? status.UNAVAILABLE : status.INVALID_ARGUMENT, details: 'as told' });
  };
  const path = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
  server.addService({ export: bytesOnly(path) }, { export: method });
  const bind = promisify(server.bindAsync.bind(server));
  const credentials = pair
    ? ServerCredentials.createSsl(null, [{ private_key: pair.key, cert_chain: pair.cert }])
    : ServerCredentials.createInsecure();
  const bound = await bind('127.0.0.1:0', credentials);
  return { port: bound, close: () => server.forceShutdown() };
}

async function listenHttp(receive: Receive, pair?: Pair): Promise<{ port: number; close(): void }> {
  const answer = (url: string, sent: Buffer, of: IncomingHttpHeaders, response: ServerResponse): void => {
    const request = of['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const made = url === '/v1/logs' ? receive(request, of) : 404;
    if (made === undefined) return;
    if (typeof made === 'number') response.writeHead(made).end();
    else response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(made);
  };
  const listener: RequestListener = (request, response) => {
    const parts: Buffer[] = [];
    request
      .on('data', (part: Buffer) => parts.push(part))
      .on('end', () => answer(request.url ?? '', Buffer.concat(parts), request.headers, response));
  };
  const server = pair ? createSecureServer(pair, listener) : createServer(listener);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { port: portOf(server), close };
}

/** opentelemetry/proto/logs/v1/logs.proto, in a request of opentelemetry/proto/collector/logs/v1/logs_service.proto. */
function decodeLogs(request: Buffer): ReceivedRecord[] {
  return all(request, 1).flatMap((ofResource) => {
    const resource = attributesOf(all(ofResource, 1)[0]!, 1);
    return all(ofResource, 2).flatMap((ofScope) => {
      const scope = text(all(ofScope, 1)[0]!, 1);
      return all(ofScope, 2).map((record) => ({
        resource,
        scope,
        timeNs: integer(record, 1),
        observedNs: integer(record, 11),
        severity: Number(integer(record, 2)),
        severityText: text(record, 3),
        body: valueOf(all(record, 5)[0] ?? Buffer.alloc(0)),
        attributes: attributesOf(record, 6),
        traceId: all(record, 9)[0]?.toString('hex') ?? '',
        spanId: all(record, 10)[0]?.toString('hex') ?? '',
      }));
    });
  });
}

function attributesOf(bytes: Buffer, field: number): Record<string, Value> {
  return Object.fromEntries(all(bytes, field).map((pair) => [text(pair, 1), valueOf(all(pair, 2)[0]!)]));
}

function valueOf(bytes: Buffer): Value {
  for (const [field, value] of fieldsOf(bytes)) {
    if (Buffer.isBuffer(value)) return value.toString();
    if (field === 2) return value === 1n;
    if (field === 3) return Number(BigInt.asIntN(64, value));
    const bits = Buffer.alloc(8);
    bits.writeBigUInt64LE(value);
    return bits.readDoubleLE();
  }
  return '';
}
