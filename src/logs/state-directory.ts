import { constants } from 'node:fs';
import { lstat, mkdir, open, type FileHandle } from 'node:fs/promises';
import { AgentError, codeOf, messageOf } from '../errors.ts';

/** Permission of group and others to write. */
const writableByOthers = 0o022;

/**
 * Opens the directory that state is kept in, mode 0700 if it has to be made. AgentError whose message names the path and what to do: `ELOOP` for
 * a symbolic link, `ENOTDIR`, `EPERM` for a directory that somebody else owns or may write to, or what mkdir(2) and open(2) fail with.
 * What is in it is reached below `/proc/self/fd`: nobody can put another one in its place.
 */
export async function openStateDirectory(path: string): Promise<FileHandle> {
  const refuse = (code: string, what: string): AgentError =>
    new AgentError(code, `--state-dir ${path}: ${what}`, { path });
  try {
    const before = await lstat(path).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
    if (before === undefined) await mkdir(path, { recursive: true, mode: 0o700 });
    if (before?.isSymbolicLink() === true)
      throw refuse('ELOOP', 'is a symbolic link; name the directory that it points to');
    if (before?.isDirectory() === false)
      throw refuse('ENOTDIR', 'is no directory; name one, or remove the file');
    const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      const { uid, mode } = await directory.stat();
      const own = process.getuid!();
      if (uid !== own) throw refuse('EPERM', `belongs to user ${uid}; run: chown ${own} ${path}`);
      if ((mode & writableByOthers) !== 0)
        throw refuse('EPERM', `others may write to it; run: chmod go-w ${path}`);
      return directory;
    } catch (error) {
      await directory.close();
      throw error;
    }
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError(
      codeOf(cause),
      `--state-dir ${path}: ${messageOf(cause)}; make it writable for the agent, or name another`,
      { path, cause },
    );
  }
}
