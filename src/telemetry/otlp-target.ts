import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { credentials, Metadata, type ChannelCredentials } from '@grpc/grpc-js';
import { AgentError, codeOf, messageOf } from '../errors.ts';
import { otlpVariable } from './otlp-env.ts';

/** Where to push. What is set wins over the `OTEL_EXPORTER_OTLP_*` variables. */
export interface OtlpTarget {
  /** `http://host:port`, `https://host:port` or `unix:path`; a path after the port is ignored. */
  readonly endpoint?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** PEM file of authorities trusted besides those of the system and of Node. */
  readonly caFile?: string | undefined;
  readonly insecureSkipVerify?: boolean | undefined;
}

/**
 * TLS credentials where the target needs more than the exporter reads from the environment by itself, else
 * undefined. Throws with the errno and the path of a file that cannot be read, `EINVAL` for one that is no PEM.
 */
export function credentialsOf(target: OtlpTarget): ChannelCredentials | undefined {
  const { caFile, insecureSkipVerify = false } = target;
  if ((!caFile && !insecureSkipVerify) || !usesTls(target)) return undefined;
  const roots = caFile ? rootsWith(readPem(caFile, '--ca-file')) : readPemOf('CERTIFICATE');
  const key = readPemOf('CLIENT_KEY');
  const certificate = readPemOf('CLIENT_CERTIFICATE');
  // A key without its certificate, or the other way round, is of no use: the exporter goes on without, and so do we.
  const pair: [Buffer | null, Buffer | null] = key && certificate ? [key, certificate] : [null, null];
  try {
    return credentials.createSsl(roots, ...pair, { rejectUnauthorized: !insecureSkipVerify });
  } catch (cause) {
    throw new AgentError('EINVAL', `TLS settings of the OTLP exporter: ${messageOf(cause)}`, { cause });
  }
}

/** gRPC metadata of the headers that are set. Throws `EINVAL` for a name or a value that a header cannot have. */
export function metadataOf({ headers = {} }: OtlpTarget): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) {
    try {
      metadata.set(name, value);
    } catch (cause) {
      throw new AgentError('EINVAL', `OTLP header ${JSON.stringify(name)} cannot be sent`, { cause });
    }
  }
  return metadata;
}

/** The exporter's own rule: the scheme decides; without one `OTEL_EXPORTER_OTLP_INSECURE` does. */
function usesTls(target: OtlpTarget): boolean {
  const url = target.endpoint || otlpVariable('ENDPOINT') || 'http://localhost:4317';
  if (url.startsWith('http://')) return false;
  return url.startsWith('https://') || otlpVariable('INSECURE')?.toLowerCase() !== 'true';
}

function rootsWith(pem: Buffer): Buffer {
  const known = new Set([...getCACertificates('default'), ...getCACertificates('system')]);
  return Buffer.from([...known, pem.toString('latin1')].join('\n'), 'latin1');
}

function readPemOf(variable: string): Buffer | null {
  const path = otlpVariable(variable);
  return path === undefined ? null : readPem(path, `OTEL_EXPORTER_OTLP_${variable}`);
}

function readPem(path: string, setting: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new AgentError(codeOf(cause), `${setting}: ${messageOf(cause)}`, { syscall: 'open', path, cause });
  }
}
