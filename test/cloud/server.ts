/** The process that is the metadata service, in its own network namespace: answers by a script and tells what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { createServer as createTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Lower-case names; another value is answered with 401. */
  readonly needs?: Readonly<Record<string, string>>;
  readonly does?: 'reset' | 'endless' | 'huge' | 'hang' | 'garbage';
}

export interface Script {
  /** By `GET http://address/path`; of several the last is repeated. Whatever else is asked is answered with 404. */
  readonly routes: Readonly<Record<string, Reply | readonly Reply[]>>;
  readonly delayMs?: number;
  /** PEM of key and certificate for port 443. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** What port 53 does: answers with this address, or nothing. */
  readonly dns?: string;
}

export interface Asked {
  /** `GET http://address/path`, the address being the one that was connected to. */
  readonly request: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

let script: Script = { routes: {} };
const counts = new Map<string, number>();

function replyOf(request: string): Reply {
  const replies = [script.routes[request] ?? { status: 404, body: 'not found' }].flat();
  const count = counts.get(request) ?? 0;
  counts.set(request, count + 1);
  return replies[Math.min(count, replies.length - 1)]!;
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse, scheme: string): Promise<void> {
  const request = `${incoming.method} ${scheme}://${incoming.socket.localAddress}${incoming.url}`;
  const body = await text(incoming);
  process.send!({ request, headers: incoming.headers, body } satisfies Omit<Asked, 'headers'> & {
    headers: unknown;
  });
  if (script.delayMs !== undefined) await sleep(script.delayMs);
  const { status = 200, headers = {}, body: answered = '', needs = {}, does } = replyOf(request);
  outgoing.on('error', () => {});
  if (!Object.entries(needs).every(([name, value]) => incoming.headers[name] === value))
    outgoing.writeHead(401).end('unauthorized');
  else if (does === 'hang') return;
  else if (does === 'reset') incoming.socket.resetAndDestroy();
  else if (does === 'garbage') incoming.socket.end(Buffer.alloc(2000, 0xfe));
  else if (does === 'huge') flood(outgoing.writeHead(200, { ...headers, 'Content-Length': String(2 ** 30) }));
  else if (does === 'endless') flood(outgoing.writeHead(200, headers));
  else outgoing.writeHead(status, headers).end(answered);
}

async function play(next: Script): Promise<void> {
  script = next;
  counts.clear();
  if (script.tls !== undefined)
    await listen(
      createSecure(script.tls, (incoming, outgoing) => void answer(incoming, outgoing, 'https')),
      443,
    );
  process.send!('ready');
}

/** As fast as it is read, until it is not. */
function flood(outgoing: ServerResponse): void {
  const chunk = Buffer.alloc(16_384, 'x');
  const more = (): void => {
    while (outgoing.write(chunk));
    outgoing.once('drain', more);
  };
  more();
}

function resolve(query: Buffer, address: string): Buffer {
  const message = Buffer.concat([
    query.subarray(2),
    // A pointer to the name of the question, type A, class IN, 60 s, four bytes.
    Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]),
  ]);
  message.writeUInt16BE(0x8180, 2);
  message.writeUInt16BE(1, 6);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

async function listen(
  server: { listen(port: number, host: string, done: () => void): unknown },
  port: number,
): Promise<void> {
  await new Promise<void>((done) => server.listen(port, '0.0.0.0', done));
}

await listen(
  createServer((incoming, outgoing) => void answer(incoming, outgoing, 'http')),
  80,
);
await listen(
  createTcp((socket) => {
    socket.on('error', () => {});
    socket.once('data', (query) => {
      process.send!({ request: 'DNS', headers: {}, body: query.toString('latin1') });
      if (script.dns !== undefined) socket.end(resolve(query as Buffer, script.dns));
    });
  }),
  53,
);
process.on('message', (next: Script) => void play(next));

process.on('disconnect', () => process.exit(0));
process.send!('ready');
