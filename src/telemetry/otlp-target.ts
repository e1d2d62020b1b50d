import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, getCACertificates } from 'node:tls';
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
 * TLS credentials where the target needs more than the exporter does by itself, else undefined. Throws with the errno
 * and the path of a file that cannot be read, `EINVAL` for one that is no certificate.
 */
export function credentialsOf(target: OtlpTarget): ChannelCredentials | undefined {
  const { caFile, insecureSkipVerify = false } = target;
  const url = target.endpoint || otlpVariable('ENDPOINT') || defaultEndpoint;
  const address = addressOf(url);
  if (!usesTls(url) || (!caFile && !insecureSkipVerify && address === undefined)) return undefined;
  const roots = caFile ? rootsWith(caFile) : readPemOf('CERTIFICATE');
  const key = readPemOf('CLIENT_KEY');
  const certificate = readPemOf('CLIENT_CERTIFICATE');
  // A key without its certificate, or the other way round, is of no use: the exporter goes on without, and so do we.
  const pair: [Buffer | null, Buffer | null] = key && certificate ? [key, certificate] : [null, null];
  const verify = { rejectUnauthorized: !insecureSkipVerify };
  try {
    return address === undefined
      ? credentials.createSsl(roots, ...pair, verify)
      : forAddress(address, (more) => credentials.createSsl(roots, ...pair, { ...verify, ...more }));
  } catch (cause) {
    throw new AgentError('EINVAL', `TLS settings of the OTLP exporter: ${messageOf(cause)}`, { cause });
  }
}

/**
 * grpc-js sends the host as TLS server name. For an IP address RFC 6066 forbids that and Node throws, so a name that
 * nobody has goes in its place; the certificate is checked against the address all the same.
 */
function forAddress(
  address: string,
  create: (more: { checkServerIdentity: typeof checkServerIdentity }) => ChannelCredentials,
): ChannelCredentials {
  const made = create({
    checkServerIdentity: (_name, certificate) => checkServerIdentity(address, certificate),
  });
  const connector = made._createSecureConnector.bind(made);
  made._createSecureConnector = (to, options, calls) =>
    connector(to, { ...options, 'grpc.ssl_target_name_override': 'address.invalid' }, calls);
  return made;
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

const defaultEndpoint = 'http://localhost:4317';

/** The exporter's own rule: the scheme decides; without one `OTEL_EXPORTER_OTLP_INSECURE` does. */
function usesTls(url: string): boolean {
  if (url.startsWith('http://')) return false;
  return url.startsWith('https://') || otlpVariable('INSECURE')?.toLowerCase() !== 'true';
}

/** The host where it is an IP address. */
function addressOf(url: string): string | undefined {
  const host =
    URL.parse(url.includes('://') ? url : `https://${url}`)?.hostname.replace(/^\[(.*)\]$/, '$1') ?? '';
  return isIP(host) === 0 ? undefined : host;
}

function rootsWith(path: string): Buffer {
  const pem = readPem(path, '--ca-file');
  checkCertificate(pem, path);
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

/** TLS itself skips in silence what is no certificate, and every connection would fail later. */
function checkCertificate(pem: Buffer, path: string): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new AgentError('EINVAL', `--ca-file: ${path} holds no certificate in PEM`, { path, cause });
  }
}
