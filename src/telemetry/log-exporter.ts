import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { OTLPLogExporter as HttpExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import type { LogRecordExporter, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { AgentError, messageOf } from '../errors.ts';
import type { LogExportSettings } from '../model/log-export.ts';
import { millisecondsOf, otlpVariable } from './otlp-env.ts';
import { agentOptionsOf, type OtlpTarget } from './otlp-tls.ts';

/** What became of a batch. */
export interface Sent {
  /** Undefined: it arrived. */
  readonly error: unknown;
  /** Records of it that the endpoint left out. */
  readonly rejected: number;
}

/** Sends batches, one at a time, by an exporter of the SDK that it makes anew when it does not work. */
export interface LogSender {
  send(records: readonly ReadableLogRecord[]): Promise<Sent>;
  close(): void;
}

interface Built {
  readonly exporter: LogRecordExporter;
  /** Ends connections, also those that hang. */
  readonly destroy: () => void;
}

const defaultTimeoutMs = 10_000;
/** The exporter's own timeout is one of silence: an endpoint that answers byte by byte would never be given up. */
const graceMs = 2000;
/** A timer that is to wait for longer does not wait at all. */
const maxTimerMs = 2 ** 31 - 1;
/** After an outage grpc-js waits up to two minutes before it connects again; a new channel connects at once. */
const failuresPerExporter = 3;

/** Throws for settings that cannot be used (`EINVAL`, errno of a file). `onWarning`: what the SDK has to say about its variables. */
export async function logSender(
  settings: LogExportSettings,
  onWarning: (text: string) => void,
): Promise<LogSender> {
  const timeoutMs = millisecondsOf(otlpVariable('TIMEOUT', 'LOGS')) ?? defaultTimeoutMs;
  const build = settings.protocol === 'grpc' ? await grpc(settings, timeoutMs) : http(settings, timeoutMs);
  const partial = hearPartialSuccess(onWarning);
  let built = build();
  partial.began();
  let failures = 0;

  const renew = (): void => {
    failures = 0;
    end(built);
    built = build();
  };
  return {
    async send(records) {
      partial.take();
      const { exporter } = built;
      const exported = new Promise<ExportResult>((done) => exporter.export([...records], done));
      const late = Promise.withResolvers<ExportResult>();
      const timer = setTimeout(
        () => {
          const error = new AgentError('ETIMEDOUT', `no answer after ${timeoutMs} ms`);
          late.resolve({ code: ExportResultCode.FAILED, error });
        },
        Math.min(timeoutMs + graceMs, maxTimerMs),
      );
      const { code, error } = await Promise.race([exported, late.promise])
        .catch((error: Error): ExportResult => ({ code: ExportResultCode.FAILED, error }))
        .finally(() => clearTimeout(timer));
      if (code === ExportResultCode.SUCCESS) {
        failures = 0;
        return { error: undefined, rejected: partial.take() };
      }
      if (++failures >= failuresPerExporter) renew();
      return { error: error ?? new AgentError('UNKNOWN', 'export failed without a reason'), rejected: 0 };
    },
    close: () => end(built),
  };
}

function end({ exporter, destroy }: Built): void {
  exporter.shutdown().catch(() => {});
  destroy();
}

const targetOf = (settings: LogExportSettings): OtlpTarget => ({ ...settings, signal: 'LOGS' });

/** grpc-js is loaded if it is wanted. */
async function grpc(settings: LogExportSettings, timeoutMillis: number): Promise<() => Built> {
  const { OTLPLogExporter } = await import('@opentelemetry/exporter-logs-otlp-grpc');
  const { credentialsOf, metadataOf } = await import('./otlp-target.ts');
  const endpoint = settings.endpoint?.replace(/(?<=^https?:\/\/[^/]+)\/.*/, '');
  const target = { ...targetOf(settings), endpoint };
  const credentials = credentialsOf(target);
  const options = {
    timeoutMillis,
    metadata: metadataOf(target),
    ...(endpoint && { url: endpoint }),
    ...(credentials && { credentials }),
  };
  return () => ({ exporter: made(() => new OTLPLogExporter(options)), destroy() {} });
}

function http(settings: LogExportSettings, timeoutMillis: number): () => Built {
  const tls = agentOptionsOf(targetOf(settings));
  return () => {
    const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent(tls) };
    const exporter = made(
      () =>
        new HttpExporter({
          timeoutMillis,
          headers: { ...settings.headers },
          httpAgentOptions: (protocol) => agents[protocol as keyof typeof agents],
          ...(settings.endpoint && { url: settings.endpoint }),
        }),
    );
    const destroy = (): void => Object.values(agents).forEach((agent) => agent.destroy());
    return { exporter, destroy };
  };
}

function made(make: () => LogRecordExporter): LogRecordExporter {
  try {
    return make();
  } catch (cause) {
    const url = otlpVariable('ENDPOINT', 'LOGS') ?? '';
    throw new AgentError('EINVAL', `OTLP endpoint of logs ${JSON.stringify(url)}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/**
 * Exporters tell what an endpoint did not take of a batch as a warning, right before they tell that the batch was sent; the first is
 * passed on. Of other warnings those that come while they read their variables.
 */
function hearPartialSuccess(onWarning: (text: string) => void): { began(): void; take(): number } {
  let [hasBegun, hasTold, rejected] = [false, false, 0];
  const silent = (): void => {};
  const warn = (...words: unknown[]): void => {
    const isPartial = String(words[0]).includes('Partial Success');
    if (isPartial) rejected += rejectedOf(words[1]);
    if (isPartial ? hasTold : hasBegun) return;
    hasTold ||= isPartial;
    onWarning(words.map(messageOf).join(' '));
  };
  const logger = { error: silent, warn, info: silent, debug: silent, verbose: silent };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  return {
    began: () => (hasBegun = true),
    take() {
      const taken = rejected;
      rejected = 0;
      return taken;
    },
  };
}

function rejectedOf(json: unknown): number {
  const { rejectedLogRecords = 0 } = JSON.parse(String(json)) as { rejectedLogRecords?: number | string };
  return Number(rejectedLogRecords) || 0;
}
