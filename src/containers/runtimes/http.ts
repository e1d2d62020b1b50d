import { request } from 'node:http';
import { AgentError, codeOf, messageOf } from '../../errors.ts';

/** What runtimes tell of one container is some ten kilobytes; a process specification of a megabyte passes. */
const defaultMaxBytes = 4 << 20;

/**
 * GET over a Unix socket: the JSON object of the answer, undefined for 404. AgentError with the errno, `EPROTO` for another status,
 * `EFBIG` for too much, `EBADMSG` for what is not JSON, `ETIMEDOUT` when `signal` says so.
 */
export async function getJson(
  socketPath: string,
  path: string,
  signal: AbortSignal,
  maxBytes = defaultMaxBytes,
): Promise<object | undefined> {
  try {
    const text = await get(socketPath, path, signal, maxBytes);
    if (text === undefined) return undefined;
    const answer = parse(text);
    if (typeof answer === 'object' && answer !== null) return answer;
    throw new AgentError('EBADMSG', 'no JSON object');
  } catch (cause) {
    const code = signal.aborted ? 'ETIMEDOUT' : codeOf(cause);
    throw new AgentError(code, `${socketPath}: ${messageOf(cause)}`, { path: socketPath, cause });
  }
}

/** Without the engine's message, which has the beginning of the text in it. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AgentError('EBADMSG', 'no JSON');
  }
}

function get(
  socketPath: string,
  path: string,
  signal: AbortSignal,
  maxBytes: number,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, path, signal, agent: false, headers: { host: 'localhost' } },
      (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxBytes) asked.destroy(new AgentError('EFBIG', `more than ${maxBytes} bytes`));
          else chunks.push(chunk);
        });
        answer.once('error', reject);
        answer.once('end', () => {
          if (answer.statusCode === 404) resolve(undefined);
          else if (answer.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
          else reject(new AgentError('EPROTO', `status ${answer.statusCode}`));
        });
      },
    );
    asked.once('error', reject);
    asked.end();
  });
}
