import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import {
  Server,
  ServerCredentials,
  type Metadata,
  type sendUnaryData,
  type ServerUnaryCall,
} from '@grpc/grpc-js';

/** A decoded data point. Times in nanoseconds since the epoch. */
export interface ReceivedPoint {
  readonly name: string;
  readonly unit: string;
  readonly type: 'gauge' | 'counter' | 'sum' | 'histogram';
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly startNs: bigint;
  readonly timeNs: bigint;
}

export interface ReceivedRequest {
  readonly resource: Readonly<Record<string, string>>;
  readonly points: readonly ReceivedPoint[];
  readonly headers: Metadata;
}

export type Accept = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => void;
/** `accept` is what happens without a handle: the request is kept, the answer is empty. */
type Handle = (...call: [...Parameters<Accept>, accept: Accept]) => void;

/** A gRPC server on the loopback with the metrics service; answers with an empty message unless told otherwise. */
export async function receiveOtlp(
  options: { host?: string; port?: number; credentials?: ServerCredentials; handle?: Handle } = {},
): Promise<{ port: number; requests: ReceivedRequest[]; close: () => void }> {
  const requests: ReceivedRequest[] = [];
  const server = new Server();
  const accept: Accept = (call, done) => {
    requests.push({ ...decodeRequest(call.request), headers: call.metadata });
    done(null, Buffer.alloc(0));
  };
  server.addService(
    { export: bytesOnly('/opentelemetry.proto.collector.metrics.v1.MetricsService/Export') },
    {
      export: (call: Parameters<Accept>[0], done: Parameters<Accept>[1]) =>
        (options.handle ?? accept)(call, done, accept),
    },
  );
  const bind = promisify(server.bindAsync.bind(server));
  const port = await bind(
    `${options.host ?? '127.0.0.1'}:${options.port ?? 0}`,
    options.credentials ?? ServerCredentials.createInsecure(),
  );
  return { port, requests, close: () => server.forceShutdown() };
}

/** A method of gRPC as bytes, undecoded. */
export function bytesOnly(path: string) {
  const same = (bytes: Buffer): Buffer => bytes;
  const serialize = { requestSerialize: same, requestDeserialize: same };
  return {
    path,
    requestStream: false,
    responseStream: false,
    ...serialize,
    responseSerialize: same,
    responseDeserialize: same,
  } as const;
}

/** The port of a listening server. */
export function portOf(server: { address(): AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port;
}

/** Fields of one protobuf message: numbers of varints and fixed64 as bigint, the rest as bytes. */
export function* fieldsOf(bytes: Buffer): Generator<readonly [field: number, value: bigint | Buffer]> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    if (wire === 0) yield [tag >> 3, varint()];
    else if (wire === 1) yield [tag >> 3, bytes.readBigUInt64LE((at += 8) - 8)];
    else if (wire === 2) {
      const length = Number(varint());
      yield [tag >> 3, bytes.subarray(at, (at += length))];
    } else throw new Error(`wire type ${wire}`);
  }
}

export const all = (bytes: Buffer, field: number): Buffer[] =>
  [...fieldsOf(bytes)].flatMap(([number, value]) => (number === field ? [value as Buffer] : []));
export const text = (bytes: Buffer, field: number): string => all(bytes, field)[0]?.toString() ?? '';
export const integer = (bytes: Buffer, field: number): bigint =>
  ([...fieldsOf(bytes)].find(([number]) => number === field)?.[1] as bigint | undefined) ?? 0n;

function attributesOf(bytes: Buffer, field: number): Record<string, string> {
  const entries = all(bytes, field).map((entry) => [text(entry, 1), text(all(entry, 2)[0]!, 1)] as const);
  return Object.fromEntries(entries);
}

/** opentelemetry/proto/metrics/v1/metrics.proto, as far as gauges, sums of doubles and histograms go; of these the count. */
function decodeRequest(request: Buffer): Omit<ReceivedRequest, 'headers'> {
  const points: ReceivedPoint[] = [];
  let resource = {};
  for (const resourceMetrics of all(request, 1)) {
    resource = attributesOf(all(resourceMetrics, 1)[0]!, 1);
    const metrics = all(resourceMetrics, 2).flatMap((scopeMetrics) => all(scopeMetrics, 2));
    for (const metric of metrics) {
      const [gauge, sum, histogram] = [all(metric, 5)[0], all(metric, 7)[0], all(metric, 9)[0]];
      const type =
        gauge !== undefined
          ? 'gauge'
          : histogram !== undefined
            ? 'histogram'
            : integer(sum!, 3) === 1n
              ? 'counter'
              : 'sum';
      const cumulative = sum ?? histogram;
      if (cumulative !== undefined && integer(cumulative, 2) !== 2n) throw new Error('not cumulative');
      for (const point of all(gauge ?? cumulative!, 1)) {
        const bits = Buffer.alloc(8);
        bits.writeBigUInt64LE(integer(point, 4));
        points.push({
          name: text(metric, 1),
          unit: text(metric, 3),
          type,
          labels: attributesOf(point, type === 'histogram' ? 9 : 7),
          value: type === 'histogram' ? Number(integer(point, 4)) : bits.readDoubleLE(),
          startNs: integer(point, 2),
          timeNs: integer(point, 3),
        });
      }
    }
  }
  return { resource, points };
}
