import { connect } from 'node:net';
import { AgentError, codeOf, messageOf } from '../../errors.ts';
import { decodeMessage, encodeGet, messageTypes, type Property, type Value } from './message.ts';

/** Mechanism EXTERNAL, where the server takes our credentials from the socket; nobody waits for the other side in between. */
const handshake = '\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n';
const maxLineBytes = 4096;
/** Answers and what a service manager tells everybody meanwhile. */
const maxBytes = 4 << 20;

/**
 * Reads properties of objects over a D-Bus socket without a bus, on a connection of its own, all in one go. Undefined for one that the
 * other side does not have. AgentError with the errno, `EACCES` when we are refused, `EFBIG`, `EBADMSG`, `ECONNRESET` for half an answer,
 * `ETIMEDOUT` when `signal` says so.
 */
export function readProperties(
  socketPath: string,
  properties: readonly Property[],
  signal: AbortSignal,
): Promise<(Value | undefined)[]> {
  return new Promise((resolve, reject) => {
    const answers = new Map<number, Value | undefined>();
    let known = false;
    let received = 0;
    let pending: Buffer = Buffer.alloc(0);
    const socket = connect(socketPath);

    const end = (cause?: unknown): void => {
      signal.removeEventListener('abort', late);
      socket.destroy();
      if (cause === undefined) resolve(properties.map((_, i) => answers.get(i + 1)));
      else
        reject(
          new AgentError(codeOf(cause), `${socketPath}: ${messageOf(cause)}`, { path: socketPath, cause }),
        );
    };
    const late = (): void => end(new AgentError('ETIMEDOUT', 'no answer in time'));

    const takeLines = (): void => {
      for (let eol = pending.indexOf('\r\n'); eol >= 0 && !known; eol = pending.indexOf('\r\n')) {
        const line = pending.toString('latin1', 0, eol);
        pending = pending.subarray(eol + 2);
        if (line.startsWith('OK ')) known = true;
        else if (line !== 'DATA') throw new AgentError('EACCES', 'authentication refused');
      }
      if (!known && pending.length > maxLineBytes) throw new AgentError('EBADMSG', 'no line of D-Bus');
    };
    const takeMessages = (): void => {
      for (let next = decodeMessage(pending); next !== undefined; next = decodeMessage(pending)) {
        pending = next.rest;
        const { type, replySerial = 0, signature, body } = next.message;
        if (replySerial < 1 || replySerial > properties.length) continue;
        if (type === messageTypes.error) answers.set(replySerial, undefined);
        else if (type === messageTypes.return)
          answers.set(replySerial, signature === 'v' ? body.variant() : undefined);
      }
    };

    signal.addEventListener('abort', late, { once: true });
    socket.on('error', end);
    socket.once('close', () => end(new AgentError('ECONNRESET', 'half an answer')));
    socket.on('data', (chunk: Buffer) => {
      try {
        received += chunk.length;
        if (received > maxBytes) throw new AgentError('EFBIG', `more than ${maxBytes} bytes`);
        pending = Buffer.concat([pending, chunk]);
        if (!known) takeLines();
        if (known) takeMessages();
        if (answers.size === properties.length) end();
      } catch (error) {
        end(error);
      }
    });
    socket.write(
      Buffer.concat([Buffer.from(handshake), ...properties.map((each, i) => encodeGet(i + 1, each))]),
    );
  });
}
