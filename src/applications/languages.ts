import { open, type FileHandle } from 'node:fs/promises';

/** What a program file was compiled from. */
export type Language = 'golang' | 'rust';

/** Program files whose language is remembered, and questions that may wait; further ones are for the next look. */
const maxKnown = 4096;
const maxWaiting = 4096;
/** Of an ELF file: more is not looked at. */
const maxSections = 4096;
const maxBytes = 64 << 10;

const headerBytes = 64;
const sectionBytes = 64;

export interface Languages {
  /** Calls `onKnown` once the program file at `path`, such as `/proc/<pid>/exe`, has been looked at and has a language. */
  ask(path: string, onKnown: (language: Language) => void): void;
}

/**
 * Looks at program files one at a time, each once (by device, inode and time of its last change). While a file system does not
 * answer, the others wait.
 */
export function languages(): Languages {
  const known = new Map<string, Language | undefined>();
  const waiting: (() => Promise<void>)[] = [];
  let working = false;

  const work = async (): Promise<void> => {
    if (working) return;
    working = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next().catch(() => {});
    working = false;
  };

  const look = async (path: string): Promise<Language | undefined> => {
    const file = await open(path, 'r');
    try {
      const { dev, ino, mtimeMs } = await file.stat();
      const key = `${dev} ${ino} ${mtimeMs}`;
      if (known.has(key)) return known.get(key);
      const language = await languageOf(file);
      const [oldest] = known.keys();
      if (oldest !== undefined && known.size >= maxKnown) known.delete(oldest);
      known.set(key, language);
      return language;
    } finally {
      await file.close();
    }
  };

  return {
    ask(path, onKnown) {
      if (waiting.length >= maxWaiting) return;
      waiting.push(async () => {
        const language = await look(path);
        if (language !== undefined) onKnown(language);
      });
      void work();
    },
  };
}

/** By the sections of a 64-bit little-endian ELF file (elf(5)): Go leaves its build information, rustc its name. */
export async function languageOf(file: Pick<FileHandle, 'read'>): Promise<Language | undefined> {
  const read = async (start: number, length: number): Promise<Buffer> => {
    const { bytesRead, buffer } = await file.read(
      Buffer.alloc(Math.min(length, maxSections * sectionBytes)),
      {
        position: start,
      },
    );
    return buffer.subarray(0, bytesRead);
  };
  const header = await read(0, headerBytes);
  if (header.length < headerBytes || header.readUInt32BE(0) !== 0x7f454c46) return undefined;
  if (header[4] !== 2 || header[5] !== 1 || header.readUInt16LE(58) !== sectionBytes) return undefined;

  const count = Math.min(header.readUInt16LE(60), maxSections);
  const table = await read(Number(header.readBigUInt64LE(40)), count * sectionBytes);
  const contents = async (index: number): Promise<Buffer> => {
    const at = index * sectionBytes;
    if (at + sectionBytes > table.length) return Buffer.alloc(0);
    const length = Math.min(Number(table.readBigUInt64LE(at + 32)), maxBytes);
    return read(Number(table.readBigUInt64LE(at + 24)), length);
  };
  const names = await contents(header.readUInt16LE(62));
  for (let index = 0; (index + 1) * sectionBytes <= table.length; index++) {
    const nameAt = table.readUInt32LE(index * sectionBytes);
    const name = names.toString('latin1', nameAt, names.indexOf(0, nameAt));
    if (name === '.go.buildinfo') return 'golang';
    if (name === '.comment' && (await contents(index)).includes('rustc')) return 'rust';
  }
  return undefined;
}
