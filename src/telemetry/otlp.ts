import { diag, DiagLogLevel, ValueType, type HrTime } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import {
  AggregationTemporality,
  DataPointType,
  PeriodicExportingMetricReader,
  type CollectionResult,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { emptyResource } from '@opentelemetry/resources';
import { agentMetrics } from '../catalogue/agent.ts';
import { AgentError, messageOf } from '../errors.ts';
import { toHrTime } from './hr-time.ts';
import { millisecondsOf, otlpVariable } from './otlp-env.ts';
import { countPoints, RebuildingExporter, type ExportFigures } from './otlp-exporter.ts';
import { credentialsOf, metadataOf } from './otlp-target.ts';
import type { OtlpTarget } from './otlp-tls.ts';
import { serviceName } from './resource.ts';

export type { ExportFigures } from './otlp-exporter.ts';

export interface OtlpSettings extends OtlpTarget {
  readonly producer: MetricProducer;
  /** `OTEL_METRIC_EXPORT_INTERVAL` wins. */
  readonly intervalMs: number;
  /** First round, and every change between working and failing. */
  readonly onState?: (works: boolean, reason: string) => void;
  /** What the SDK has to say about variables it does not understand, at the start only. */
  readonly onWarning?: (message: string) => void;
}

export interface OtlpPush {
  readonly figures: ExportFigures;
  /** Sends a last time. Resolves after three seconds at most, whatever the endpoint does. Idempotent. */
  shutdown(): Promise<void>;
}

/** A Collector refuses requests above 4 MiB, counted before compression: that leaves 2 KiB a point. */
const pointsPerBatch = 2000;
const shutdownMs = 3000;
const defaultTimeoutMs = 10_000;

/** Pushes a snapshot every interval over OTLP/gRPC. Throws for settings that cannot be used (`EINVAL`, errno of a file). */
export function startOtlp(settings: OtlpSettings): OtlpPush {
  const intervalMs = millisecondsOf(process.env['OTEL_METRIC_EXPORT_INTERVAL']) ?? settings.intervalMs;
  const exporterMs = Math.min(millisecondsOf(otlpVariable('TIMEOUT')) ?? defaultTimeoutMs, intervalMs);
  const readerMs = millisecondsOf(process.env['OTEL_METRIC_EXPORT_TIMEOUT']) ?? exporterMs;
  const { onState = () => {} } = settings;
  warnOfUnsupported(settings.onWarning);
  const exporter = withWarnings(settings.onWarning, () => {
    return new RebuildingExporter(exporterFactory(settings, exporterMs), onState);
  });
  const reader = new RoundReader(exporter, {
    exporter,
    exportIntervalMillis: intervalMs,
    // Below the exporter's: the reader then gives up the rest of the batches, which would hang one after the other.
    exportTimeoutMillis: Math.min(readerMs, exporterMs * 0.95),
    metricProducers: [upProducer],
    maxExportBatchSize: pointsPerBatch,
  });
  reader.setMetricProducer(settings.producer);
  let ended: Promise<void> | undefined;
  return {
    figures: exporter.figures,
    // What fails here has been counted by the exporter.
    shutdown: () => (ended ??= reader.shutdown({ timeoutMillis: shutdownMs }).catch(() => {})),
  };
}

/** The stock reader, which skips an interval while the one before is not done; it says here how much a round has. */
class RoundReader extends PeriodicExportingMetricReader {
  readonly #exporter: RebuildingExporter;

  constructor(
    exporter: RebuildingExporter,
    options: ConstructorParameters<typeof PeriodicExportingMetricReader>[0],
  ) {
    super(options);
    this.#exporter = exporter;
  }

  override async collect(options?: { timeoutMillis?: number }): Promise<CollectionResult> {
    const result = await super.collect(options);
    this.#exporter.begin(countPoints(result.resourceMetrics));
    return result;
  }
}

/** Pushed only: on the page it would overwrite the `up` that the scraper itself writes. */
const upProducer: MetricProducer = {
  async collect() {
    const { name, help: description, unit } = agentMetrics.up;
    const now: HrTime = toHrTime(Date.now());
    const up = {
      descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.GAUGE as const,
      dataPoints: [{ startTime: now, endTime: now, attributes: {}, value: 1 }],
    };
    const scopeMetrics = [{ scope: { name: serviceName }, metrics: [up] }];
    return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
  },
};

/** Choices of the specification that this exporter does not have. */
function warnOfUnsupported(onWarning: (message: string) => void = () => {}): void {
  const protocol = otlpVariable('PROTOCOL') ?? 'grpc';
  if (protocol !== 'grpc') onWarning(`OTLP protocol ${protocol} is not supported: grpc is used`);
  const temporality = process.env['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'] ?? 'cumulative';
  if (temporality.toLowerCase() !== 'cumulative')
    onWarning(`temporality ${temporality} is not supported: cumulative is used`);
}

/** How to make an exporter, with everything that can be wrong tried once. */
function exporterFactory(target: OtlpTarget, timeoutMillis: number): () => OTLPMetricExporter {
  const credentials = credentialsOf(target);
  const options = {
    timeoutMillis,
    metadata: metadataOf(target),
    ...(target.endpoint ? { url: target.endpoint } : {}),
    ...(credentials ? { credentials } : {}),
  };
  return () => {
    try {
      return new OTLPMetricExporter(options);
    } catch (cause) {
      const url = target.endpoint || otlpVariable('ENDPOINT') || '';
      throw new AgentError('EINVAL', `OTLP endpoint ${JSON.stringify(url)}: ${messageOf(cause)}`, { cause });
    }
  };
}

/**
 * The SDK's diagnostics are heard while it reads its variables; later only that an endpoint took a part, once: a dead
 * endpoint is told by `onState`.
 */
function withWarnings<T>(onWarning: (message: string) => void = () => {}, build: () => T): T {
  const say = (...words: unknown[]) => onWarning(words.map(messageOf).join(' '));
  const silent = () => {};
  const quiet = { error: silent, info: silent, debug: silent, verbose: silent };
  const listen = (warn: typeof say, error: typeof say): void => {
    diag.setLogger({ ...quiet, warn, error }, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  };
  listen(say, say);
  try {
    return build();
  } finally {
    let told = false;
    listen((...words) => {
      if (told || !String(words[0]).includes('Partial Success')) return;
      told = true;
      say(...words);
    }, silent);
  }
}
