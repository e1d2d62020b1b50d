import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
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
    return await withHandle(await open(path, O_PATH), (file) => readRegular(file, maxBytes));
  } catch (cause) {
    throw new AgentError(codeOf(cause), `${path}: ${messageOf(cause)}`, { syscall: 'read', path, cause });
  }
}

/** Reads what has been opened with O_PATH. */
export async function readRegular(file: FileHandle, maxBytes = defaultMaxBytes): Promise<string> {
  if (!(await file.stat()).isFile()) throw new AgentError('EINVAL', 'no regular file');
  return readText(`/proc/self/fd/${file.fd}`, maxBytes);
}

/**
 * Opens, with O_PATH, what lies below a directory whose owner is not to be trusted: step by step, so that no link leads out of it. A link
 * on the way is `ENOTDIR`; one at the end is opened as the link that it is.
 */
export async function openBelow(directory: string, steps: readonly string[]): Promise<FileHandle> {
  let at = await open(directory, O_PATH | constants.O_DIRECTORY);
  for (const [i, step] of steps.entries()) {
    const flags = O_PATH | constants.O_NOFOLLOW | (i < steps.length - 1 ? constants.O_DIRECTORY : 0);
    at = await withHandle(at, ({ fd }) => open(`/proc/self/fd/${fd}/${step}`, flags));
  }
  return at;
}

export async function withHandle<T>(file: FileHandle, use: (file: FileHandle) => Promise<T>): Promise<T> {
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
