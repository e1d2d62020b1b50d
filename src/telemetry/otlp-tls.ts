import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AgentOptions } from 'node:https';
import { createSecureContext, getCACertificates } from 'node:tls';
import { AgentError, codeOf, messageOf } from '../errors.ts';
import { otlpVariable, type Signal } from './otlp-env.ts';

/** Where to push. What is set wins over the `OTEL_EXPORTER_OTLP_*` variables. */
export interface OtlpTarget {
  /** Whose variables count; those of metrics unless told. */
  readonly signal?: Signal | undefined;
  /** `http://host:port`, `https://host:port` or `unix:path`; gRPC ignores a path after the port. */
  readonly endpoint?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** PEM file of authorities trusted besides those of the system and of Node. */
  readonly caFile?: string | undefined;
  readonly insecureSkipVerify?: boolean | undefined;
}

/** The PEM files that are set: authorities, key and certificate of the client. Throws with the errno and the path. */
export function pemOf({ caFile, signal }: OtlpTarget): {
  readonly roots: Buffer | null;
  readonly pair: readonly [key: Buffer | null, certificate: Buffer | null];
} {
  const roots = caFile ? rootsWith(caFile) : readPemOf('CERTIFICATE', signal);
  const key = readPemOf('CLIENT_KEY', signal);
  const certificate = readPemOf('CLIENT_CERTIFICATE', signal);
  // A key without its certificate, or the other way round, is of no use: the exporter goes on without, and so do we.
  return { roots, pair: key && certificate ? [key, certificate] : [null, null] };
}

/** For an agent of `node:https`. Throws with the errno and the path of a file, `EINVAL` for one that holds something else. */
export function agentOptionsOf(target: OtlpTarget): AgentOptions {
  const { roots, pair } = pemOf(target);
  const [key, cert] = pair;
  const options = {
    keepAlive: true,
    rejectUnauthorized: target.insecureSkipVerify !== true,
    ...(roots && { ca: roots }),
    ...(key && cert && { key, cert }),
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw tlsError(cause);
  }
  return options;
}

export function tlsError(cause: unknown): AgentError {
  return new AgentError('EINVAL', `TLS settings of the OTLP exporter: ${messageOf(cause)}`, { cause });
}

function rootsWith(path: string): Buffer {
  const pem = readPem(path, '--ca-file');
  checkCertificate(pem, path);
  const known = new Set([...getCACertificates('default'), ...getCACertificates('system')]);
  return Buffer.from([...known, pem.toString('latin1')].join('\n'), 'latin1');
}

function readPemOf(variable: string, signal: Signal | undefined): Buffer | null {
  const path = otlpVariable(variable, signal);
  return path === undefined ? null : readPem(path, `OTEL_EXPORTER_OTLP_${variable}`);
}

function readPem(path: string, setting: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new AgentError(codeOf(cause), `${setting}: ${messageOf(cause)}`, { syscall: 'open', path, cause });
  }
}

/** TLS itself skips in silence what is no certificate, and every connection would fail later. */
function checkCertificate(pem: Buffer, path: string): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new AgentError('EINVAL', `--ca-file: ${path} holds no certificate in PEM`, { path, cause });
  }
}
