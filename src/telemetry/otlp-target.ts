import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { credentials, Metadata, type ChannelCredentials } from '@grpc/grpc-js';
import { AgentError } from '../errors.ts';
import { otlpVariable, type Signal } from './otlp-env.ts';
import { pemOf, tlsError, type OtlpTarget } from './otlp-tls.ts';

/**
 * TLS credentials where the target needs more than the exporter does by itself, else undefined. Throws with the errno
 * and the path of a file that cannot be read, `EINVAL` for one that is no certificate.
 */
export function credentialsOf(target: OtlpTarget): ChannelCredentials | undefined {
  const { caFile, insecureSkipVerify = false, signal } = target;
  const url = target.endpoint || otlpVariable('ENDPOINT', signal) || defaultEndpoint;
  const address = addressOf(url);
  if (!usesTls(url, signal) || (!caFile && !insecureSkipVerify && address === undefined)) return undefined;
  const { roots, pair } = pemOf(target);
  const verify = { rejectUnauthorized: !insecureSkipVerify };
  try {
    return address === undefined
      ? credentials.createSsl(roots, ...pair, verify)
      : forAddress(address, (more) => credentials.createSsl(roots, ...pair, { ...verify, ...more }));
  } catch (cause) {
    throw tlsError(cause);
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
function usesTls(url: string, signal: Signal | undefined): boolean {
  if (url.startsWith('http://')) return false;
  return url.startsWith('https://') || otlpVariable('INSECURE', signal)?.toLowerCase() !== 'true';
}

/** The host where it is an IP address. */
function addressOf(url: string): string | undefined {
  const host =
    URL.parse(url.includes('://') ? url : `https://${url}`)?.hostname.replace(/^\[(.*)\]$/, '$1') ?? '';
  return isIP(host) === 0 ? undefined : host;
}
