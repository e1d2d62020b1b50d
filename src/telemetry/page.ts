import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AgentError, codeOf, messageOf } from '../errors.ts';
import type { PrometheusReader } from './prometheus.ts';

/** Totals of the scrape endpoint. */
export interface ScrapeFigures {
  /** Answered, and read to the end by the client. */
  readonly ok: number;
  /** Answered with an error, or cut off. */
  readonly failed: number;
  /** Connections refused because there were too many. */
  readonly refused: number;
  readonly gatheringErrors: number;
  readonly encodingErrors: number;
}

export interface PageSettings {
  /** Without host: all addresses, IPv6 and IPv4. Brackets around an IPv6 address are allowed. */
  readonly host?: string | undefined;
  /** 0: one that is free. */
  readonly port: number;
  readonly reader: PrometheusReader;
  readonly ready: () => boolean;
  /** How long an answer may take to be read. 30,000 unless told. */
  readonly answerMs?: number;
  /** Connections at the same time. 100 unless told. */
  readonly connections?: number;
  /** Hears of scrapes answered with status 500. */
  readonly onError?: (error: unknown) => void;
}

export interface Page {
  readonly address: AddressInfo;
  readonly figures: ScrapeFigures;
  /** Ends within a second: answers under way get most of it, then their connections are cut. Idempotent. */
  close(): Promise<void>;
}

const headMs = 10_000;
const idleMs = 30_000;
const closeMs = 800;
const textType = 'text/plain; version=0.0.4; charset=utf-8';

/** Serves `/metrics`, `/livez` and `/readyz`. Rejects with the errno of listen(2) as code when the address cannot be had. */
export async function servePage(settings: PageSettings): Promise<Page> {
  const figures = { ok: 0, failed: 0, refused: 0, gatheringErrors: 0, encodingErrors: 0 };
  const server = createServer({
    headersTimeout: headMs,
    requestTimeout: headMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: 1000,
  });
  server.maxConnections = settings.connections ?? 100;
  server.on('drop', () => figures.refused++);
  server.on('request', (request, response) => {
    // From the first byte to the last, so that a client that reads a little now and then does not stay either.
    const timer = setTimeout(() => response.destroy(), settings.answerMs ?? 30_000);
    response.once('close', () => clearTimeout(timer));
    void answer(settings, figures, request, response);
  });

  const host = settings.host?.replace(/^\[(.*)\]$/, '$1') || undefined;
  server.listen({ port: settings.port, host });
  try {
    await once(server, 'listening');
  } catch (cause) {
    const where = `${settings.host ?? ''}:${settings.port}`;
    const message = `cannot listen on ${where} (${messageOf(cause)}); choose another address with --listen`;
    throw new AgentError(codeOf(cause), message, { syscall: 'listen', cause });
  }
  // accept(2) can fail later, for want of descriptors; the next one may go well.
  server.on('error', (error) => settings.onError?.(error));

  const ended = once(server, 'close').then(() => {});
  return {
    address: server.address() as AddressInfo,
    figures,
    close() {
      if (!server.listening) return ended;
      server.close();
      const timer = setTimeout(() => server.closeAllConnections(), closeMs);
      return ended.finally(() => clearTimeout(timer));
    },
  };
}

async function answer(
  settings: PageSettings,
  figures: { -readonly [name in keyof ScrapeFigures]: number },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return plain(response, 405, 'only GET and HEAD');
  }
  if (path === '/livez') return plain(response, 200, 'ok');
  if (path === '/readyz')
    return settings.ready() ? plain(response, 200, 'ok') : plain(response, 503, 'not yet');
  if (path !== '/metrics') return plain(response, 404, 'not found');
  response.once('close', () => {
    if (response.writableFinished && response.statusCode === 200) figures.ok++;
    else figures.failed++;
  });
  try {
    const { text, gzipped } = await settings.reader.render();
    const encoded = acceptsGzip(request.headers['accept-encoding']);
    const body = encoded ? await gzipped() : text;
    response.writeHead(200, {
      'Content-Type': textType,
      'Content-Length': body.length,
      Vary: 'Accept-Encoding',
      ...(encoded ? { 'Content-Encoding': 'gzip' } : {}),
    });
    response.end(body);
  } catch (error) {
    if (codeOf(error) === 'GATHERING') figures.gatheringErrors++;
    else figures.encodingErrors++;
    settings.onError?.(error);
    plain(response, 500, `metrics could not be served: ${messageOf(error)}`);
  }
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

/** RFC 9110, 12.5.3: named and not given the weight 0. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  for (const part of String(header ?? '').split(',')) {
    const [coding, ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
    if (coding !== 'gzip' && coding !== '*') continue;
    return !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  }
  return false;
}
