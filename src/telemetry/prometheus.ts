import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { emptyResource } from '@opentelemetry/resources';
import { MetricReader, type MetricData, type ScopeMetrics } from '@opentelemetry/sdk-metrics';
import { AgentError, messageOf } from '../errors.ts';
import { Pace } from './pace.ts';

/** A snapshot as text. */
export interface Rendering {
  /** Prometheus text format 0.0.4. */
  readonly text: Buffer;
  /** The same, compressed when it is first asked for. */
  readonly gzipped: () => Promise<Buffer>;
}

/**
 * The pull reader. A snapshot is rendered once: concurrent callers share the rendering, and whoever asks again while the
 * snapshot is the same gets it again.
 */
export class PrometheusReader extends MetricReader {
  #scope: ScopeMetrics | undefined;
  #rendering: Promise<Rendering> | undefined;

  /** Rejects with an AgentError, `GATHERING` or `ENCODING` by the step that failed. */
  async render(): Promise<Rendering> {
    const scope = await this.#gather();
    if (this.#scope !== scope || this.#rendering === undefined) {
      this.#scope = scope;
      const rendering = encode(scope.metrics);
      this.#rendering = rendering;
      rendering.catch(() => {
        if (this.#rendering === rendering) this.#rendering = undefined;
      });
    }
    return this.#rendering;
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {
    this.#rendering = undefined;
  }

  async #gather(): Promise<ScopeMetrics> {
    try {
      const { resourceMetrics } = await this.collect();
      return resourceMetrics.scopeMetrics[0] ?? nothing;
    } catch (cause) {
      throw new AgentError('GATHERING', messageOf(cause), { cause });
    }
  }
}

const nothing: ScopeMetrics = { scope: { name: '' }, metrics: [] };
const compress = promisify(gzip);

/** Points serialised between two turns of the event loop. */
const pointsPerTurn = 1000;

async function encode(metrics: readonly MetricData[]): Promise<Rendering> {
  try {
    const text = await toText(metrics);
    let gzipped: Promise<Buffer> | undefined;
    return { text, gzipped: () => (gzipped ??= compress(text)) };
  } catch (cause) {
    throw new AgentError('ENCODING', messageOf(cause), { cause });
  }
}

/** Families in the given order, each with one HELP and one TYPE line however many slices it takes. */
export async function toText(metrics: readonly MetricData[]): Promise<Buffer> {
  const serializer = new PrometheusSerializer('', false, undefined, true, true);
  const chunks: Buffer[] = [];
  const pace = new Pace(pointsPerTurn);
  for (const metric of metrics) {
    for (let start = 0; start < metric.dataPoints.length; start += pointsPerTurn) {
      const slice = sliceOf(metric, start, start + pointsPerTurn);
      const scopeMetrics = [{ scope: nothing.scope, metrics: [slice] }];
      const text = serializer.serialize({ resource: emptyResource(), scopeMetrics });
      chunks.push(Buffer.from(start === 0 ? text : afterTwoLines(text)));
      await pace.spend(slice.dataPoints.length);
    }
  }
  return join(chunks, pace);
}

/** Buffer.concat touches all of its memory in one go: 20 MB of it are longer than the event loop may stand still. */
async function join(chunks: readonly Buffer[], pace: Pace): Promise<Buffer> {
  const lengthBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const joined = Buffer.allocUnsafe(lengthBytes);
  let at = 0;
  for (const chunk of chunks) {
    at += chunk.copy(joined, at);
    await pace.spend(pointsPerTurn / 4);
  }
  return joined;
}

/** Without unit: the serializer would write a UNIT line, which text format 0.0.4 does not know. */
function sliceOf(metric: MetricData, start: number, end: number): MetricData {
  const descriptor = { ...metric.descriptor, unit: '' };
  return { ...metric, descriptor, dataPoints: metric.dataPoints.slice(start, end) } as MetricData;
}

/** The serializer puts HELP and TYPE, a line each, before every slice. */
function afterTwoLines(text: string): string {
  return text.slice(text.indexOf('\n', text.indexOf('\n') + 1) + 1);
}
