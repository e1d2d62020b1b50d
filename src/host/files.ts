import { open } from 'node:fs/promises';
import { AgentError, codeOf, messageOf } from '../errors.ts';

/** Kernel files are far smaller; whatever is larger is not what it claims to be. */
const defaultMaxBytes = 1 << 20;

/**
 * Reads a small text file. AgentError with the errno and the path; `EFBIG` beyond `maxBytes`, before more than that
 * is in memory.
 */
export async function readText(path: string, maxBytes = defaultMaxBytes): Promise<string> {
  try {
    const file = await open(path);
    try {
      const chunks: Buffer[] = [];
      for (let size = 0; ;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(16_384));
        if (bytesRead === 0) return Buffer.concat(chunks).toString('utf8');
        size += bytesRead;
        if (size > maxBytes) throw new AgentError('EFBIG', `larger than ${maxBytes} bytes`);
        chunks.push(buffer.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new AgentError(codeOf(cause), `${path}: ${messageOf(cause)}`, { syscall: 'read', path, cause });
  }
}

/** Of open(2): what is there, without opening it. Node.js has no name for it; it is the same on x86-64 and arm64. */
export const O_PATH = 0o10000000;

/**
 * Reads a file that somebody else may have put there: `EINVAL` for what is no regular file. It is looked at before it is opened, because
 * to open a device or a FIFO may hang or do something.
 */
export async function readRegularFile(path: string, maxBytes = defaultMaxBytes): Promise<string> {
  try {
    const file = await open(path, O_PATH);
    try {
      if (!(await file.stat()).isFile()) throw new AgentError('EINVAL', 'no regular file');
      return await readText(`/proc/self/fd/${file.fd}`, maxBytes);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new AgentError(codeOf(cause), `${path}: ${messageOf(cause)}`, { syscall: 'read', path, cause });
  }
}
