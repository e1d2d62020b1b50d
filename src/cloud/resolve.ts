import { randomInt } from 'node:crypto';
import { readlink } from 'node:fs/promises';
import { isIP, type Socket } from 'node:net';
import { dirname, resolve as resolvePath } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { AgentError, messageOf } from '../errors.ts';
import { readRegularFile } from '../host/files.ts';
import type { Connect } from './connect.ts';

/** An IPv4 address of a host. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<string>;

/** resolv.conf(5) knows no more. */
const mostServers = 3;
/** For all of them, of the 5 s of a question: one that is dead must not use up all of it. */
const allMs = 3000;
const mostLinks = 8;
const mostBytes = 65_536;

/**
 * Asks the name servers of the host's resolv.conf(5) one after the other, each for its share of 3 s. Over TCP (RFC 7766, which every
 * server has to speak), so that one connected socket is all that is needed of the host's network namespace.
 */
export function resolver(connect: Connect, root: string): Resolve {
  return async (host, signal) => {
    const failures: string[] = [];
    const servers = await serversOf(root);
    const shareMs = Math.floor(allMs / Math.max(1, servers.length));
    for (const server of servers) {
      const some = AbortSignal.any([signal, AbortSignal.timeout(shareMs)]);
      try {
        return await query(await connect(server, 53, some, shareMs), host, some);
      } catch (error) {
        signal.throwIfAborted();
        const reason = some.aborted ? `no answer within ${shareMs} ms` : messageOf(error);
        failures.push(`${server}: ${reason}`);
      }
    }
    const reason = failures.join('; ') || 'no name server in /etc/resolv.conf';
    throw new AgentError('ENOTFOUND', `${host} cannot be resolved: ${reason}`);
  };
}

async function serversOf(root: string): Promise<string[]> {
  const text = await textOf(root).catch(() => '');
  const servers = [...text.matchAll(/^nameserver[ \t]+(\S+)/gm)].map(([, address]) => address!);
  return servers.filter((address) => isIP(address) !== 0 && !address.includes('%')).slice(0, mostServers);
}

/** Links are those of the host: an absolute one begins at its root. */
async function textOf(root: string): Promise<string> {
  let path = '/etc/resolv.conf';
  for (let links = 0; links < mostLinks; links++) {
    const target = await readlink(root + path).catch(() => undefined);
    if (target === undefined) break;
    path = resolvePath(dirname(path), target);
  }
  return readRegularFile(root + path, mostBytes);
}

const headerBytes = 12;
const [typeA, classIn] = [1, 1];

async function query(socket: Socket, host: string, signal: AbortSignal): Promise<string> {
  try {
    const id = randomInt(65_536);
    socket.write(framed(question(id, host)));
    let received = Buffer.alloc(0);
    for await (const chunk of addAbortSignal(signal, socket) as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk]);
      const length = received.length < 2 ? Infinity : received.readUInt16BE(0);
      if (received.length - 2 >= length) return addressOf(received.subarray(2, 2 + length), id);
    }
    throw new AgentError('ECONNRESET', 'closed without an answer');
  } finally {
    socket.destroy();
  }
}

/** RFC 1035, 4.1: header with one question, recursion desired. */
function question(id: number, host: string): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(0x0100, 2);
  header.writeUInt16BE(1, 4);
  const labels = host
    .split('.')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, typeA, 0, classIn])]);
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** The first address of an answer; an alias is followed by what it stands for. RangeError for one that is torn. */
export function addressOf(message: Buffer, id: number): string {
  const flags = message.readUInt16BE(2);
  if (message.readUInt16BE(0) !== id || (flags & 0x8000) === 0)
    throw new AgentError('EBADMSG', 'answers something else');
  if ((flags & 0xf) !== 0) throw new AgentError('ENOTFOUND', `RCODE ${flags & 0xf}`);
  let at = headerBytes;
  for (let i = message.readUInt16BE(4); i > 0; i--) at = behindName(message, at) + 4;
  for (let i = message.readUInt16BE(6); i > 0; i--) {
    at = behindName(message, at);
    const length = message.readUInt16BE(at + 8);
    const isAddress = message.readUInt16BE(at) === typeA && message.readUInt16BE(at + 2) === classIn;
    at += 10;
    if (isAddress && length === 4 && at + 4 <= message.length) return message.subarray(at, at + 4).join('.');
    at += length;
  }
  throw new AgentError('ENOTFOUND', 'no address');
}

/** A name ends with a zero byte or with a pointer of two bytes (RFC 1035, 4.1.4). */
function behindName(message: Buffer, start: number): number {
  for (let at = start; ;) {
    const length = message.readUInt8(at);
    if (length >= 0xc0) return at + 2;
    at += length + 1;
    if (length === 0) return at;
  }
}
