import { envsOf, options, type OptionName } from './schema.ts';
import { quoted, type Setting } from './setting.ts';
import { intervalRangeMs } from './values/duration.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that is empty counts as not set, as in the reference and in the OpenTelemetry specification. */
export function readEnvironment(env: Environment): readonly Setting[] {
  const settings: Setting[] = [];
  for (const [option, spec] of Object.entries(options)) {
    const name = envsOf(option, spec).find((candidate) => env[candidate]);
    if (name === undefined) continue;
    settings.push({ option: option as OptionName, text: env[name]!, from: `environment variable ${name}` });
  }
  return settings;
}

/** What this agent reads of the OpenTelemetry SDK's variables; the SDK itself reads all others. */
export const sdkVariables: Readonly<Record<string, string>> = {
  OTEL_METRICS_EXPORTER:
    'Ways out for metrics, separated by commas: otlp and prometheus, or none. Default otlp,prometheus.',
  OTEL_LOGS_EXPORTER:
    'Ways out for log messages of containers: otlp or none. Without it, they leave if they have an endpoint: --logs-endpoint, --collector-endpoint or OTEL_EXPORTER_OTLP_LOGS_ENDPOINT.',
  OTEL_EXPORTER_OTLP_LOGS_PROTOCOL:
    'grpc or http/protobuf, for log messages; before OTEL_EXPORTER_OTLP_PROTOCOL. Default http/protobuf for an endpoint of their own, grpc for one that they share with metrics.',
  OTEL_SDK_DISABLED: 'true: no metrics and no log messages leave, by no way.',
  OTEL_METRIC_EXPORT_INTERVAL: 'Milliseconds between two pushes of metrics; wins over --scrape-interval.',
};

const protocols = ['grpc', 'http/protobuf'] as const;
export type OtlpProtocol = (typeof protocols)[number];

export interface SdkSettings {
  readonly otlp: boolean;
  readonly prometheus: boolean;
  readonly intervalMs: number | undefined;
  readonly logs: {
    /** What OTEL_LOGS_EXPORTER says; undefined where it says nothing. */
    readonly wanted: boolean | undefined;
    readonly hasEndpoint: boolean;
    readonly protocol: OtlpProtocol | undefined;
  };
  readonly messages: readonly string[];
}

/** https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
export function readSdkEnvironment(env: Environment): SdkSettings {
  const messages: string[] = [];
  const exporters = (env['OTEL_METRICS_EXPORTER'] || 'otlp,prometheus').split(',').map((name) => name.trim());
  const known = exporters.every((name) => ['otlp', 'prometheus', 'none'].includes(name));
  if (!known || (exporters.includes('none') && exporters.length > 1)) {
    messages.push(
      `environment variable OTEL_METRICS_EXPORTER: ${quoted(exporters.join(','))} is not a list of otlp and prometheus, or none alone`,
    );
  }
  const text = env['OTEL_METRIC_EXPORT_INTERVAL']?.trim() ?? '';
  const intervalMs = /^\d+$/.test(text) ? Number(text) : undefined;
  const { min, max } = intervalRangeMs;
  if (text !== '' && !(intervalMs !== undefined && intervalMs >= min && intervalMs <= max)) {
    messages.push(
      `environment variable OTEL_METRIC_EXPORT_INTERVAL: ${quoted(text)} is not a number of milliseconds from ${min} to ${max}`,
    );
  }
  const logsExporter = env['OTEL_LOGS_EXPORTER']?.trim() ?? '';
  if (!['', 'otlp', 'none'].includes(logsExporter))
    messages.push(
      `environment variable OTEL_LOGS_EXPORTER: ${quoted(logsExporter)} is neither otlp nor none`,
    );
  const protocolOf = (name: string): OtlpProtocol | undefined =>
    protocols.find((known) => known === env[name]?.trim());
  const logsProtocol = env['OTEL_EXPORTER_OTLP_LOGS_PROTOCOL']?.trim() ?? '';
  const protocol = protocolOf('OTEL_EXPORTER_OTLP_LOGS_PROTOCOL');
  if (logsProtocol !== '' && protocol === undefined)
    messages.push(
      `environment variable OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: ${quoted(logsProtocol)} is neither grpc nor http/protobuf`,
    );
  const disabled = env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true';
  return {
    otlp: !disabled && exporters.includes('otlp'),
    prometheus: !disabled && exporters.includes('prometheus'),
    intervalMs,
    logs: {
      wanted: disabled || logsExporter === 'none' ? false : logsExporter === 'otlp' || undefined,
      hasEndpoint: (env['OTEL_EXPORTER_OTLP_LOGS_ENDPOINT']?.trim() ?? '') !== '',
      protocol: protocol ?? protocolOf('OTEL_EXPORTER_OTLP_PROTOCOL'),
    },
    messages,
  };
}
