import { once } from 'node:events';
import { request as send, type IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as secure } from 'node:tls';
import { AgentError, codeOf, messageOf } from '../errors.ts';
import type { Connect } from './connect.ts';
import type { Answer, Ask, MetadataRequest } from './provider.ts';
import type { Resolve } from './resolve.ts';

/** What one question may take, from the first packet to the last. */
const timeoutMs = 5000;
/** What is read of an answer. */
const maxBytes = 64 << 10;

export interface AskDeps {
  readonly connect: Connect;
  readonly resolve: Resolve;
  /** Ends what is under way. */
  readonly closing: AbortSignal;
  /** PEM of the authorities that are trusted instead of Node.js's. */
  readonly ca?: string;
}

/**
 * One request over a connection of its own: no proxy, no redirection, at most 64 KiB and 5 s. AgentError with the code of what
 * failed: ETIMEDOUT, EFBIG, ECONNREFUSED, ENOTFOUND, HPE_* for what is no HTTP, ...
 */
export function asker(deps: AskDeps): Ask {
  return async (request, headers = {}) => {
    const endMs = performance.now() + timeoutMs;
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([deadline, deps.closing]);
    try {
      signal.throwIfAborted();
      const stream = await open(new URL(request.url), deps, signal, endMs);
      return await exchange(stream, request, headers, signal);
    } catch (cause) {
      const [code, reason] = deadline.aborted
        ? ['ETIMEDOUT', `no answer within ${timeoutMs / 1000} s`]
        : [codeOf(cause), messageOf(cause)];
      throw new AgentError(code, `${request.method} ${request.url}: ${reason}`, { cause });
    }
  };
}

/** Of the whole `169.254.0.0/16`: it never leaves the link (RFC 3927, 2.7). */
const isLinkLocal = (address: string): boolean => address.startsWith('169.254.');

async function open(url: URL, deps: AskDeps, signal: AbortSignal, endMs: number): Promise<Duplex> {
  const { protocol, hostname } = url;
  const isNamed = isIP(hostname) === 0;
  const address = isNamed ? await deps.resolve(hostname, signal) : hostname;
  const leftMs = Math.max(0, Math.ceil(endMs - performance.now()));
  if (protocol === 'http:') {
    // Whoever answers for a name proves nothing without TLS.
    if (isNamed && !isLinkLocal(address))
      throw new AgentError('EACCES', `${hostname} is ${address}, which is not link-local`);
    return deps.connect(address, 80, signal, leftMs);
  }
  const socket = await deps.connect(address, 443, signal, leftMs);
  const stream = secure({ socket, servername: hostname, ...(deps.ca !== undefined && { ca: deps.ca }) });
  try {
    await once(stream, 'secureConnect', { signal });
    return stream.on('error', () => {});
  } catch (error) {
    stream.destroy();
    socket.destroy();
    throw error;
  }
}

async function exchange(
  stream: Duplex,
  { method, url, headers: fixed, body = '' }: MetadataRequest,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer> {
  const { hostname: host, pathname, search } = new URL(url);
  const length = method === 'PUT' ? { 'Content-Length': String(Buffer.byteLength(body)) } : {};
  try {
    const sent = send({
      createConnection: () => stream,
      method,
      path: pathname + search,
      setHost: false,
      headers: { Host: host, Connection: 'close', ...length, ...fixed, ...headers },
      signal,
    });
    // What fails after the answer is told by its reading.
    sent.on('error', () => {});
    sent.end(body);
    const [answer] = (await once(sent, 'response', { signal })) as [IncomingMessage];
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: await textOf(answer) };
  } finally {
    stream.destroy();
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new AgentError('EFBIG', `the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
