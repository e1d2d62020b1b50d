/**
 * Decodes what the tests need of an OTLP ExportMetricsServiceRequest (opentelemetry-proto, metrics/v1/metrics.proto) by
 * hand, so that the exporter is not checked with its own code.
 */
interface Field {
  readonly number: number;
  /** Payload of a length-delimited field, 8 bytes of a fixed one; a varint as 8 bytes too. */
  readonly bytes: Buffer;
}

function fields(message: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = Number(varint());
    const start = key & 7;
    let bytes: Buffer;
    if (start === 0) {
      bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt.asUintN(64, varint()));
    } else if (start === 1) {
      bytes = message.subarray(at, (at += 8));
    } else if (start === 2) {
      const length = Number(varint());
      bytes = message.subarray(at, (at += length));
    } else throw new Error(`wire type ${start}`);
    found.push({ number: key >> 3, bytes });
  }
  return found;
}

const all = (message: Buffer, number: number): Buffer[] =>
  fields(message)
    .filter((field) => field.number === number)
    .map(({ bytes }) => bytes);
const first = (message: Buffer, number: number): Buffer | undefined => all(message, number)[0];
const text = (message: Buffer, number: number): string => first(message, number)?.toString('utf8') ?? '';

function attributes(message: Buffer, number: number): [string, string][] {
  return all(message, number).map((pair) => [text(pair, 1), text(first(pair, 2) ?? Buffer.alloc(0), 1)]);
}

export interface Decoded {
  readonly resource: Readonly<Record<string, string>>;
  /** `name unit kind {label="value",...} number`, sorted. */
  readonly series: readonly string[];
}

/** Labels sorted by name; kind is gauge, counter (monotonic, cumulative) or sum. */
export function decode(request: Buffer): Decoded {
  const resourceMetrics = first(request, 1)!;
  const resource = Object.fromEntries(attributes(first(resourceMetrics, 1)!, 1));
  const series: string[] = [];
  for (const metric of all(resourceMetrics, 2).flatMap((scope) => all(scope, 2))) {
    const gauge = first(metric, 5);
    const sum = first(metric, 7);
    const data = gauge ?? sum!;
    const cumulative = sum !== undefined && first(sum, 2)?.[0] === 2 && first(sum, 3)?.[0] === 1;
    const kind = gauge ? 'gauge' : cumulative ? 'counter' : 'sum';
    for (const point of all(data, 1)) {
      const labels = attributes(point, 7)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
      const value = first(point, 4)?.readDoubleLE() ?? Number(first(point, 6)?.readBigInt64LE());
      series.push(`${text(metric, 1)} ${text(metric, 3)} ${kind} {${labels.join(',')}} ${value}`);
    }
  }
  return { resource, series: series.sort() };
}
